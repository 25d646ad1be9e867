/** node in the sandbox of bubblewrap: the same namespaces, none of the host's files but to read. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { processPeer, REQUIRE_ARROW, stepSource } from './node-process.js';
import { ROOT, type PeerKind } from './peer.js';

function has(command: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, command)));
}

export const bubblewrap: PeerKind = {
  name: 'bubblewrap and node',
  isolation: 'namespaces; no filter of system calls, no limits',
  async start() {
    if (!has('bwrap')) throw new Error('bwrap is not installed (Debian: apt-get install bubblewrap)');
    const sandbox = ['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'];
    const files = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'];
    // The private /tmp may be where this is.
    const own = [ROOT, path.dirname(process.execPath)].flatMap((folder) => ['--ro-bind', folder, folder]);
    const code = `${REQUIRE_ARROW} ${stepSource('arrow.tableFromIPC')}`;
    const node = ['--chdir', ROOT, '--', process.execPath, '-e', code];
    const peer = processPeer('bwrap', [...sandbox, ...files, ...own, ...node]);
    await peer.measure();
    return peer;
  },
};
