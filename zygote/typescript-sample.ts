/**
 * A text that uses most of TypeScript. Of the stripper, V8 compiles what is used: what this uses, no child has to
 * compile.
 */
export const SAMPLE = `
import fs, { type Stats, readFileSync as read } from 'node:fs';
import type { Table } from 'apache-arrow';
export type { Table };
declare const VERSION: string;
interface Row<T extends object = {}> extends Iterable<T> { readonly id: number; name?: string; [key: string]: unknown }
type Pick2<T, K extends keyof T> = { [P in K]-?: T[P] extends infer U ? U : never } & { kind: 'a' | \`b\${string}\` };
abstract class Base<T> extends Array<T> implements Iterable<T> {
  private readonly rows: Array<Row> = [];
  protected static count?: number = 0;
  declare later: Map<string, T>;
  #hidden!: [number, ...string[]];
  constructor(first: T, options: { depth?: number } = {}) { super(); this.#hidden = options as any; }
  abstract run(this: Base<T>, ...rest: T[]): asserts this is Base<T>;
  override at(): T | undefined { return super.at(0); }
  get size(): number { return this.rows.length; }
  async *walk<U>(visit: (row: Row, index?: number) => U): AsyncGenerator<U, void, undefined> { for await (const row of this.rows) yield visit(row); }
}
function pick(rows: Row[], by: keyof Row): Row;
function pick(rows: Row[], by?: any): Row | undefined { return rows.find((row): row is Row => row![by] === (by as unknown as string)); }
const total = (a: number, { b = 1, ...c }: Record<string, number>): number => a + b! + Object.values<number>(c).reduce((x, y) => x + y, 0);
export default async function step({ params, tables }: { params: Record<string, unknown>; tables: Record<string, Table> }): Promise<{ value: number }> {
  try {
    label: for (const [name, table] of Object.entries(tables)) { if (table.numRows > 0 || !name) continue label; else break; }
    switch (params['x']) { case 1: return { value: await Promise.resolve(1) }; default: throw new Error(\`no \${params['x'] ?? 'x'}\`); }
  } catch (error: unknown) { let i = 0; do { i++; } while (i < 3); return { value: total(i, { b: 2 }) satisfies number }; } finally { void 0; }
}
`;
