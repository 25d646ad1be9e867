/**
 * What one process of this machine does at a time. The lock is a UNIX socket with an abstract name (unix(7)): the kernel lets go of
 * it when its holder ends, however that ends, and those that are connected to it hear of it.
 */
import { connect, createServer, type Socket } from 'node:net';
import { unlessAborted } from './flights.js';

/** Never more than a saving: who has waited for so long goes on without it. */
const MOST_WAIT_MS = 60_000;

/**
 * @param name of up to 64 characters
 * @returns what lets go of it; undefined if another had it, and has let go of it now
 * @throws the reason of the signal
 */
export async function lockOrWait(name: string, signal: AbortSignal): Promise<(() => void) | undefined> {
  signal.throwIfAborted();
  const path = `\0nodespawner-${name}`;
  const connected = new Set<Socket>();
  const server = createServer((socket) => {
    connected.add(socket.on('error', () => undefined).unref());
    socket.on('close', () => connected.delete(socket));
  });
  const code = await new Promise<string | undefined>((resolve) => {
    server.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      resolve(code);
    });
    server.listen(path, () => {
      resolve(undefined);
    });
  });
  if (code === undefined) {
    server.unref();
    return () => {
      server.close();
      for (const socket of connected) socket.destroy();
    };
  }
  if (code === 'EADDRINUSE' && (await hasEnded(path, signal))) return undefined;
  // No lock is to be had.
  return () => undefined;
}

/** Waits until the holder lets go, but not for ever. */
async function hasEnded(path: string, signal: AbortSignal): Promise<boolean> {
  const socket = connect(path);
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<boolean>((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(true);
    });
    timer = setTimeout(() => {
      resolve(false);
    }, MOST_WAIT_MS);
  });
  try {
    return await unlessAborted(ended, signal);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
