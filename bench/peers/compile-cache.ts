/** A node that finds the compiled code of its modules on disk (NODE_COMPILE_CACHE). */
import { processPeer, REQUIRE_ARROW, stepSource } from './node-process.js';
import { BUILD, type PeerKind } from './peer.js';

export const compileCache: PeerKind = {
  name: 'node with a compile cache',
  isolation: 'none',
  async start() {
    const { default: module } = await import('node:module');
    if (!('enableCompileCache' in module)) throw new Error(`Node ${process.version} has no compile cache`);
    const env = { ...process.env, NODE_COMPILE_CACHE: `${BUILD}compile-cache` };
    const code = `${REQUIRE_ARROW} ${stepSource('arrow.tableFromIPC')}`;
    const peer = processPeer(process.execPath, ['-e', code], env);
    // The first one fills the cache.
    await peer.measure();
    return peer;
  },
};
