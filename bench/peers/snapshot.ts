/** A user-land startup snapshot of V8 (node --build-snapshot) with Arrow in it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { processPeer, stepSource } from './node-process.js';
import { arrowScript, BUILD, type PeerKind } from './peer.js';

export const startupSnapshot: PeerKind = {
  name: 'node with a startup snapshot',
  isolation: 'none',
  // Not async, but its errors are for whoever waits.
  async start() {
    mkdirSync(BUILD, { recursive: true });
    const source = `${BUILD}snapshot-${process.version}.js`;
    const blob = `${BUILD}snapshot-${process.version}.blob`;
    writeFileSync(
      source,
      `(function () { ${arrowScript()} }).call(globalThis);
      require('node:v8').startupSnapshot.setDeserializeMainFunction(() => { ${stepSource('Arrow.tableFromIPC')} });`,
    );
    execFileSync(process.execPath, ['--snapshot-blob', blob, '--build-snapshot', source], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return Promise.resolve(processPeer(process.execPath, ['--snapshot-blob', blob]));
  },
};
