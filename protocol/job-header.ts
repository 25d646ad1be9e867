/**
 * What stands before the bytes of a Job on the job socket: whether they follow, or lie in a memfd among the descriptors.
 * Thrift has no say in it, since it is about how a Thrift struct travels.
 */

/** The longest job that travels in the message itself: well below what a socket holds by default (unix(7)). */
export const INLINE_BYTES = 32 * 1024;

const INLINE = 0;
const MEMFD = 1;
const MEMFD_HEADER_BYTES = 13;

export function inlineHeader(): Uint8Array {
  return Uint8Array.of(INLINE);
}

/** @param fd an index into the descriptors of the message */
export function memfdHeader(fd: number, length: number): Uint8Array {
  const header = Buffer.alloc(MEMFD_HEADER_BYTES);
  header.writeUInt8(MEMFD, 0);
  header.writeUInt32LE(fd, 1);
  header.writeBigUInt64LE(BigInt(length), 5);
  return header;
}

export type JobPlace = { readonly bytes: Uint8Array } | { readonly fd: number; readonly length: number };

/** The other way round. The host wrote it, so it is well-formed. */
export function placeOfJob(message: Buffer): JobPlace {
  if (message[0] === INLINE) return { bytes: message.subarray(1) };
  return { fd: message.readUInt32LE(1), length: Number(message.readBigUInt64LE(5)) };
}
