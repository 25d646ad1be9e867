/** Sends files into real children, and has children pass them off as tables of theirs. */
import type { Result, Zygote } from '../../lib/index.js';
import { describeTable } from '../../test/helpers/arrow/describe.js';
import { ECHO, FORGE, frameOf } from '../../test/helpers/arrow/through-child.js';

/** For children that read what nobody has validated, which may be for ever. */
const UNREAD_MS = 3_000;

/** @returns what is wrong */
export async function goesThrough(zygote: Zygote, bytes: Uint8Array, described: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const stream of [false, true]) {
    const inputs = { params: { stream }, tables: { t: bytes } };
    const { value, tables } = await zygote.run(ECHO, inputs);
    const how = stream ? 'batch by batch' : 'whole';
    if ((value as { t: string }).t !== described) wrong.push(`it is another table in a child (${how})`);
    const out = tables.t;
    if (out === undefined || describeTable(out) !== described)
      wrong.push(`it comes back as another table (${how})`);
  }
  return wrong;
}

/** What becomes of a child that passes these bytes off as a table. */
export async function passOff(zygote: Zygote, bytes: Uint8Array): Promise<Result> {
  const params = { content: bytes, frame: frameOf('t', bytes.byteLength) };
  const child = await zygote.spawn(FORGE, { params });
  return child.result;
}

/** What becomes of a child that is given these bytes as a table, and of the call where the host refuses them. */
export async function giveUnvalidated(zygote: Zygote, bytes: Uint8Array): Promise<string> {
  const inputs = { params: { stream: false }, tables: { t: bytes } };
  try {
    const child = await zygote.spawn(ECHO, inputs, { timeoutMs: UNREAD_MS });
    const { status } = await child.result;
    return status;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_INVALID_OPTION') throw error;
    return code;
  }
}
