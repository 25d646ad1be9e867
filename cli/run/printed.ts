/** What a step prints, on its way to stderr: stdout is for what it gives. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { printable } from '../printable.js';

/** Resolves when all has been handed on. SECURITY: to a terminal no control sequence goes. */
export function handOn(stream: Readable | null): Promise<void> {
  const { stderr } = process;
  const decoder = new StringDecoder('utf8');
  const write = (chunk: Buffer): boolean =>
    stderr.write(stderr.isTTY ? printable(decoder.write(chunk)) : chunk);
  return new Promise((resolve) => {
    if (stream === null) {
      resolve();
      return;
    }
    stream.on('data', (chunk: Buffer) => {
      if (write(chunk)) return;
      stream.pause();
      stderr.once('drain', () => stream.resume());
    });
    stream.once('close', () => {
      stderr.write(printable(decoder.end()));
      resolve();
    });
  });
}
