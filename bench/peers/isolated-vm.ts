/** A fresh isolate of V8 in the caller's process, with Arrow in its snapshot. It has no API of Node's. */
import { now, SUM_OF_TABLE, TABLE_BYTES } from '../work.js';
import { arrowScript, requirePeer, timesOf, type Answer, type PeerKind } from './peer.js';

/** What is used of isolated-vm. */
interface Context {
  readonly global: { set(name: string, value: unknown): Promise<void> };
}
interface Isolate {
  createContext(): Promise<Context>;
  compileScript(code: string): Promise<{ run(context: Context): Promise<unknown> }>;
  dispose(): void;
}
interface IsolatedVm {
  readonly Isolate: {
    new (options: { snapshot: unknown; memoryLimit: number }): Isolate;
    createSnapshot(scripts: readonly { code: string }[]): unknown;
  };
  readonly Callback: new (callback: () => unknown) => unknown;
  readonly ExternalCopy: new (value: unknown) => { copyInto(): unknown };
}

/** Arrow needs these, and an isolate hasn't got them. Column names here are ASCII. */
const TEXT_CODERS = `
  globalThis.TextEncoder = class {
    encode(text) { return Uint8Array.from(text, (character) => character.charCodeAt(0)); }
  };
  globalThis.TextDecoder = class {
    decode(bytes) { return String.fromCharCode(...bytes); }
  };`;

const STEP = `const reached = String(now()); ${SUM_OF_TABLE}
  JSON.stringify([reached, sum(Arrow.tableFromIPC(new Uint8Array(input)))]);`;

export const isolatedVm: PeerKind = {
  name: 'isolated-vm, Arrow in its snapshot',
  isolation: 'V8 isolate; no API of Node',
  isQuick: true,
  start() {
    const ivm = requirePeer('isolated-vm') as IsolatedVm;
    const snapshot = ivm.Isolate.createSnapshot([{ code: TEXT_CODERS }, { code: arrowScript() }]);
    return Promise.resolve({
      async measure() {
        const start = now();
        const isolate = new ivm.Isolate({ snapshot, memoryLimit: 128 });
        const context = await isolate.createContext();
        await context.global.set('now', new ivm.Callback(() => String(now())));
        const { buffer, byteOffset, byteLength } = TABLE_BYTES;
        const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
        await context.global.set('input', new ivm.ExternalCopy(bytes).copyInto());
        const script = await isolate.compileScript(STEP);
        const answer = await script.run(context);
        isolate.dispose();
        return timesOf(JSON.parse(answer as string) as Answer, start, now());
      },
    });
  },
};
