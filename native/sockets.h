// Sockets and pipes between host, zygote and child.
#pragma once

#include <napi.h>

namespace nodespawner {

// socketPair(): [number, number]; AF_UNIX, SOCK_SEQPACKET, close-on-exec
Napi::Value SocketPair(const Napi::CallbackInfo& info);

// pipe(): [readEnd: number, writeEnd: number]; close-on-exec
Napi::Value Pipe(const Napi::CallbackInfo& info);

// sendMessage(fd: number, bytes: Uint8Array, fds: number[]): void
Napi::Value SendBytes(const Napi::CallbackInfo& info);

// receiveMessage(fd: number, maxBytes: number): { bytes: Buffer, fds: number[] } | null. Blocks unless the socket does
// not; null at the end of the stream.
Napi::Value ReceiveBytes(const Napi::CallbackInfo& info);

// hasMessage(fd: number): boolean. Whether receiveMessage() would return at once.
Napi::Value HasMessage(const Napi::CallbackInfo& info);

// close(fd: number): void. For what was opened here: in a worker thread Node warns of descriptors that its fs.close()
// gets and that its fs did not open.
Napi::Value Close(const Napi::CallbackInfo& info);

// setNonBlocking(fd: number): void
Napi::Value SetNonBlocking(const Napi::CallbackInfo& info);

// duplicate(fd: number): number; close-on-exec
Napi::Value Duplicate(const Napi::CallbackInfo& info);

// duplicateTo(from: number, to: number): void; dup3(2) without close-on-exec, then `from` is closed
Napi::Value DuplicateTo(const Napi::CallbackInfo& info);

}  // namespace nodespawner
