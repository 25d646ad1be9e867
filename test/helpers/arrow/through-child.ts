/** Code of children that tables go through. */
import { encodeResult } from '../../../protocol/messages.js';
import { OWN_FDS } from '../own-fds.js';
import { describeTable } from './describe.js';

/** Describes all of its tables, and returns them: as they are, or batch by batch where `params.stream` is set. */
export const ECHO = `
  ${describeTable.toString()}
  module.exports = ({ params, tables }) => ({
    value: Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, describeTable(table)])),
    tables: params.stream ? Object.fromEntries(Object.entries(tables).map(([name, { batches }]) => [name, batches.values()])) : tables,
  });`;

/** Passes `params.content` off as a table, with a result of its own making (`params.frame`). */
export const FORGE = `${OWN_FDS}
  module.exports = ({ params: { content, frame } }) => {
    fs.writeSync(outputFd(), content, 0, content.length, 0);
    fs.writeSync(resultFd(), frame);
    process.exit(0);
  };`;

/** The result that says that there is a table of so many bytes. */
export function frameOf(name: string, length: number): Uint8Array {
  const tables = [{ name, offset: 0, length }];
  return Buffer.concat(encodeResult({ kind: 'returned', value: null, tables }));
}
