/**
 * What is on the job socket in the place of the bytes of a Job, where these lie in a memfd among the descriptors. Thrift has
 * no say in it, since it is about how a Thrift struct travels.
 */

/** The longest job that travels in the message itself: well below what a socket holds by default (unix(7)). */
export const INLINE_BYTES = 32 * 1024;

/** A Job begins with the type of its first field, which is never this one (STOP in Thrift's binary protocol). */
const MEMFD = 0;
const MEMFD_HEADER_BYTES = 13;

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
  if (message[0] !== MEMFD) return { bytes: message };
  return { fd: message.readUInt32LE(1), length: Number(message.readBigUInt64LE(5)) };
}
