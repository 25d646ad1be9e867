// What the host itself lacks when it reads a result is not put down to the child.
import t from 'tap';
import { HostProgram } from '../helpers/host-program.js';

t.test(
  'a host without address space for the tables of a child rejects with an error of its own',
  async (t) => {
    const source = `
    import { execFileSync } from 'node:child_process';
    import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
    const zygote = await Zygote.start({ preload: ['apache-arrow'], from: FIXTURES });
    const code = \`const { tableFromArrays } = require('apache-arrow');
      module.exports = ({ params }) => (function* () {
        for (let i = 0; i < params; i++) yield tableFromArrays({ n: new Float64Array(2 ** 17) });
      })();\`;
    // What is loaded when it is first needed.
    const before = (await zygote.run(code, { params: 1 })).tables.table.numRows;
    const linkOf = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } };
    const outputs = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith('/memfd:nodespawner-output')).length;
    const used = 1024 * Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (used + 60 * 2 ** 20) + ':']);
    const child = await zygote.spawn(code, { params: 100 });
    const error = await child.result.catch((thrown) => thrown);
    const run = await zygote.run(code, { params: 100 }).catch((thrown) => thrown);
    const after = (await zygote.run(code, { params: 1 })).tables.table.numRows;
    say({
      before, after, held: outputs() <= 2, // those of the two tables that were read
      errors: [error, run].map(({ code, cause }) => [code, cause?.code, cause?.syscall]),
    });
    await zygote.close();`;
    const host = new HostProgram(t, source);
    t.strictSame(await host.next(), {
      before: 2 ** 17,
      after: 2 ** 17,
      held: true,
      errors: [
        ['ERR_HOST_FAILED', 'ENOMEM', 'mmap'],
        ['ERR_HOST_FAILED', 'ENOMEM', 'mmap'],
      ],
    });
    t.match(await host.end(), { code: 0, signal: null });
  },
);
