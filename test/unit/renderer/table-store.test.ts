// What tables in memory count for: what their memory takes.
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import t from 'tap';
import { TableStore } from '../../../renderer/table-store.js';

const PAGE = 4096;

t.test(
  'tables that nobody holds are kept by what their memory takes, and not by their own bytes',
  async (t) => {
    const store = new TableStore(2 * PAGE);
    t.teardown(() => {
      store.clear();
    });
    const hashes: string[] = [];
    for (let i = 0; i < 3; i++) {
      const table = await store.add(tableToIPC(tableFromArrays({ n: Int32Array.of(i) }), 'stream'));
      t.ok(table.byteLength < PAGE / 2);
      t.equal(table.memoryBytes, PAGE);
      hashes.push(table.hash);
      table.release();
    }
    t.equal(store.memoryBytes, 2 * PAGE);
    const kept = hashes.map((hash) => store.find(hash));
    for (const table of kept) table?.release();
    t.strictSame(
      kept.map((table) => table !== undefined),
      [false, true, true],
    );
  },
);
