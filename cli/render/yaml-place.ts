/** Where in a YAML file the option is that an error names. */
import { isMap, isScalar, isSeq, type Document, type Node } from 'yaml';

interface At {
  readonly node: unknown;
  readonly offset: number;
}

const startOf = (node: unknown): number | undefined => (node as Node | null)?.range?.[0];

/** Of what is there of it: that of a field which is missing is that of the object which hasn't it. */
export function offsetOf(document: Document, option: string): number {
  let at: At = { node: document.contents, offset: startOf(document.contents) ?? 0 };
  for (let rest = option; rest !== '';) {
    const next = step(at.node, rest);
    if (next === undefined) break;
    at = next;
    ({ rest } = next);
  }
  return at.offset;
}

/** By the next index or key, which may have dots and brackets in it. */
function step(node: unknown, rest: string): (At & { readonly rest: string }) | undefined {
  if (isSeq(node)) {
    const [matched = '', index] = /^\[(\d+)\]/.exec(rest) ?? [];
    const item = matched === '' ? undefined : node.items[Number(index)];
    const offset = startOf(item);
    return offset === undefined ? undefined : { node: item, offset, rest: rest.slice(matched.length) };
  }
  if (!isMap(node)) return undefined;
  const name = rest.replace(/^\./, '');
  const found = node.items
    .filter(({ key }) => isScalar(key))
    .map(({ key, value }) => ({ value, key: String((key as { value: unknown }).value), at: startOf(key) }))
    .filter(({ key }) => name.startsWith(key) && /^(?:$|[.[])/.test(name.slice(key.length)))
    .sort((one, other) => other.key.length - one.key.length)[0];
  if (found?.at === undefined) return undefined;
  return { node: found.value, offset: found.at, rest: name.slice(found.key.length) };
}
