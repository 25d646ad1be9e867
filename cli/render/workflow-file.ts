/** A workflow as a file, YAML or JSON: as the Renderer takes it, with `file` of a step in the place of its `code`. */
import path from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { InvalidOptionError } from '../../lib/errors.js';
import { makePlan } from '../../renderer/plan.js';
import type { Workflow } from '../../renderer/index.js';
import { fileError } from '../failure.js';
import { readInput } from '../tables/read.js';
import { offsetOf } from './yaml-place.js';

/** Is told each file before it is read. */
export type OnFile = (file: string) => void;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Source {
  readonly file: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

const placeOf = ({ file, lines }: Source, offset: number): string => {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
};

/** @throws {Failure} */
function parseFile(text: string, file: string): Source {
  const lines = new LineCounter();
  const source = { file, document: parseDocument(text, { prettyErrors: false, lineCounter: lines }), lines };
  const [error] = source.document.errors;
  if (error !== undefined)
    throw fileError(`${placeOf(source, error.pos[0])}: it is no YAML: ${error.message}`, error);
  return source;
}

/** What isn't as it should be is left to the Renderer's own check, which names it. */
async function stepOf(step: unknown, folder: string, onFile: OnFile): Promise<unknown> {
  if (!isFields(step) || typeof step.file !== 'string') return step;
  const { file, ...rest } = step;
  const found = path.resolve(folder, file);
  onFile(found);
  const name = path.basename(file);
  const code = (await readInput(found)).toString();
  return { id: path.parse(name).name, filename: name, ...rest, code };
}

/** Of two things of one id, where the other is; and whence an id is that is not in the file. */
function withPlaces(message: string, at: string, source: Source): string {
  const { document, lines } = source;
  return message.replace(/\(workflow\.(tabs\S+) is the same\)/, (_, other: string) => {
    const { line, col } = lines.linePos(offsetOf(document, other));
    const isGiven = [at, other].every((option) => document.hasIn(option.match(/\w+/g) ?? []));
    const whence = isGiven ? '' : '; a step without an id has that of its file';
    return `(${other}, at ${line}:${col}, is the same${whence})`;
  });
}

/** @throws {Failure} */
function check(workflow: unknown, inputs: readonly string[], source: Source): void {
  try {
    makePlan(workflow, inputs);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const at = error.option.replace(/^workflow\.?/, '');
    const place = placeOf(source, offsetOf(source.document, at));
    const message = withPlaces(error.message.replace(/^workflow\./, ''), at, source);
    throw fileError(`${place}: ${message}`, error);
  }
}

/**
 * @param inputs names that no tab can have
 * @throws {Failure}
 */
export async function loadWorkflow(
  file: string,
  inputs: readonly string[] = [],
  onFile: OnFile = () => undefined,
): Promise<Workflow> {
  onFile(path.resolve(file));
  const source = parseFile((await readInput(file)).toString(), file);
  const read = source.document.toJS() as unknown;
  if (!isFields(read)) throw fileError(`${file}: a workflow is an object with tabs`);
  const folder = path.dirname(path.resolve(file));
  let { tabs } = read;
  if (Array.isArray(tabs)) {
    const complete: unknown[] = [];
    for (const tab of tabs as unknown[]) {
      if (!isFields(tab) || !Array.isArray(tab.steps)) {
        complete.push(tab);
        continue;
      }
      const steps: unknown[] = [];
      for (const step of tab.steps as unknown[]) steps.push(await stepOf(step, folder, onFile));
      complete.push({ ...tab, steps });
    }
    tabs = complete;
  }
  const workflow = { id: path.basename(file), ...read, ...(tabs === undefined ? {} : { tabs }) };
  check(workflow, inputs, source);
  return workflow as unknown as Workflow;
}
