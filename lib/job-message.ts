/** How a job travels: one message on the child's job socket, or, if it is large, a memfd that the message points to. */
import { encodeJob, type Job, type JobFds } from '../protocol/messages.js';
import { INLINE_BYTES, memfdHeader } from '../protocol/job-header.js';
import { sealedMemfd, type Placed } from './memfd.js';
import { native } from './native.js';
import type { ChildFds } from './stdio.js';

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

const NOTHING_TO_CLOSE = (): void => undefined;

/** Puts the child's standard streams among the descriptors of a message. */
export function addStandardFds({ stdin, stdout, stderr }: ChildFds, fds: number[]): JobFds {
  const index = (fd: number | undefined): number | undefined =>
    fd === undefined ? undefined : fds.push(fd) - 1;
  return { stdin: index(stdin), stdout: index(stdout), stderr: index(stderr) };
}

/**
 * @param fds the descriptors that the job's indices mean
 * @returns a promise if the job is large
 */
export function packJob(job: Job<unknown>, fds: readonly number[]): JobMessage | Promise<JobMessage> {
  const chunks = encodeJob(job);
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  if (length <= INLINE_BYTES) {
    const [whole = Buffer.alloc(0)] = chunks.length === 1 ? chunks : [Buffer.concat(chunks)];
    return { bytes: whole, fds, close: NOTHING_TO_CLOSE };
  }
  return packLargeJob(chunks, length, fds);
}

async function packLargeJob(
  chunks: readonly Uint8Array[],
  length: number,
  fds: readonly number[],
): Promise<JobMessage> {
  const memfd = await sealedMemfd('nodespawner-job', placed(chunks));
  return {
    bytes: memfdHeader(fds.length, length),
    fds: [...fds, memfd],
    close: () => {
      native.close(memfd);
    },
  };
}
