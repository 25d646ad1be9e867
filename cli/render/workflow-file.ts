/** A workflow as a file, YAML or JSON: as the Renderer takes it, with `file` of a step in the place of its `code`. */
import path from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import type { Workflow } from '../../renderer/index.js';
import { fileError } from '../failure.js';
import { readInput } from '../tables/read.js';

/** Is told each file before it is read. */
export type OnFile = (file: string) => void;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseFile(text: string, file: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const [line, column] = placeOf(text, error.pos[0]);
    throw fileError(`${file}:${line}:${column}: it is no YAML: ${error.message}`, error);
  }
}

function placeOf(text: string, offset: number): [line: number, column: number] {
  const before = text.slice(0, offset).split('\n');
  return [before.length, (before.at(-1) ?? '').length + 1];
}

/** What isn't as it should be is left to the Renderer, which names it. */
async function stepOf(step: unknown, folder: string, onFile: OnFile): Promise<unknown> {
  if (!isFields(step) || typeof step.file !== 'string') return step;
  const { file, ...rest } = step;
  const found = path.resolve(folder, file);
  onFile(found);
  const name = path.basename(file);
  const code = (await readInput(found)).toString();
  return { id: path.parse(name).name, filename: name, ...rest, code };
}

/** @throws {Failure} */
export async function loadWorkflow(file: string, onFile: OnFile = () => undefined): Promise<Workflow> {
  onFile(path.resolve(file));
  const read = parseFile((await readInput(file)).toString(), file);
  if (!isFields(read) || !Array.isArray(read.tabs))
    throw fileError(`${file}: a workflow is an object with tabs`);
  const folder = path.dirname(path.resolve(file));
  const tabs: unknown[] = [];
  for (const tab of read.tabs as unknown[]) {
    if (!isFields(tab) || !Array.isArray(tab.steps)) {
      tabs.push(tab);
      continue;
    }
    const steps: unknown[] = [];
    for (const step of tab.steps as unknown[]) steps.push(await stepOf(step, folder, onFile));
    tabs.push({ ...tab, steps });
  }
  // The Renderer checks all of it.
  return { id: path.basename(file), ...read, tabs } as Workflow;
}
