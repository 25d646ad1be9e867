// Memory files (memfd_create(2)) and their mappings.
#pragma once

#include <napi.h>

namespace nodespawner {

// createMemfd(name: string): number
Napi::Value CreateMemfd(const Napi::CallbackInfo& info);

// createFilledMemfd(name: string, pieces: Uint8Array[], positions: number[], seals: number): number. Each piece is
// written to its position, and then the memfd sealed.
Napi::Value CreateFilledMemfd(const Napi::CallbackInfo& info);

// createEmptyMemfd(name: string, size: number, seals: number): number. Nothing but zeros, and sealed.
Napi::Value CreateEmptyMemfd(const Napi::CallbackInfo& info);

// closeMemfd(fd: number): void; soon, if it is large
Napi::Value CloseMemfd(const Napi::CallbackInfo& info);

// addSeals(fd: number, seals: number): void; F_SEAL_* of fcntl(2)
Napi::Value AddSeals(const Napi::CallbackInfo& info);

// seekHole(fd: number): number, where the first hole begins, which is at the end if there is none; SEEK_HOLE of
// lseek(2)
Napi::Value SeekHole(const Napi::CallbackInfo& info);

// mapPrivate(fd: number, length: number): ArrayBuffer over a MAP_PRIVATE mapping from offset 0: read without a copy;
// what is written stays in this process. Unmapped when the ArrayBuffer is collected, or soon after.
Napi::Value MapPrivate(const Napi::CallbackInfo& info);

// mapUncounted(fd: number, length: number): ArrayBuffer. The same, but V8 does not count it as memory that the process
// uses, where Node lets us: its size brings no garbage collection about, but its owner may have none for long.
Napi::Value MapUncounted(const Napi::CallbackInfo& info);

// unmap(mapping: ArrayBuffer): void; the mapping is gone soon, the ArrayBuffer has no bytes from now on
Napi::Value Unmap(const Napi::CallbackInfo& info);

}  // namespace nodespawner
