/** How a job travels: one message on the child's job socket, or, if it is large, a memfd that the message points to. */
import { encodeJob, type Job } from '../protocol/messages.js';
import { INLINE_BYTES, inlineHeader, memfdHeader } from '../protocol/job-header.js';
import { sealedMemfd, type Placed } from './memfd.js';
import { native } from './native.js';

export interface JobMessage {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
  /** Closes the descriptors that were made for the message. */
  close(): void;
}

function* placed(chunks: readonly Uint8Array[]): Generator<Placed> {
  let position = 0;
  for (const chunk of chunks) {
    yield [position, chunk];
    position += chunk.byteLength;
  }
}

/** @param fds the descriptors that the job's indices mean */
export async function packJob(job: Job<unknown>, fds: readonly number[]): Promise<JobMessage> {
  const chunks = encodeJob(job);
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  if (length <= INLINE_BYTES) {
    return { bytes: Buffer.concat([inlineHeader(), ...chunks]), fds, close: () => undefined };
  }
  const memfd = await sealedMemfd('nodespawner-job', placed(chunks));
  return {
    bytes: memfdHeader(fds.length, length),
    fds: [...fds, memfd],
    close: () => {
      native.close(memfd);
    },
  };
}
