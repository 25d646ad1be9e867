// The host's eyes: a handle of the event loop for each socket and pipe of all children. What a child writes is gathered
// here, and JavaScript is called once, at its end.
//
// SECURITY: no epoll instance of our own within that of the event loop. The kernel changes nested ones under a lock of
// the whole machine, which a child with machine code can keep busy for seconds.
#pragma once

#include <napi.h>

namespace nodespawner {

// watch(fd: number, onReadable: () => void): void. Level-triggered, until unwatch(fd). Does not own the descriptor.
Napi::Value Watch(const Napi::CallbackInfo& info);

// unwatch(fd: number): void
Napi::Value Unwatch(const Napi::CallbackInfo& info);

// collect(fd: number, maxBytes: number, stopAfter: number,
//         onEnd: (bytes: Buffer, truncated: boolean, stopped: boolean, errno: number) => void): void
// Owns the descriptor, a pipe's read end: reads it to its end and closes it. Past maxBytes it keeps nothing, but reads
// on so that the writer is not held up; past stopAfter bytes it stops and closes at once.
Napi::Value Collect(const Napi::CallbackInfo& info);

// setPollerRef(ref: boolean): void. Whether the poller keeps the event loop alive.
Napi::Value SetPollerRef(const Napi::CallbackInfo& info);

}  // namespace nodespawner
