// Where glibc keeps the kernel's id of a thread: the field `tid` of struct pthread, which is not public. Joining a
// thread, locking an error-checking mutex and pthread_kill() all read it, so a revived thread must find its own there.
#pragma once

#include <stddef.h>
#include <sys/types.h>

namespace nodespawner {

inline void* ThreadPointer() { return __builtin_thread_pointer(); }

// The bytes between pthread_self() and its tid, from the description that glibc carries for libthread_db (the library
// that debuggers use for just this), confirmed on the calling thread. Negative when libc has no such description, or
// when it does not hold for the calling thread.
ptrdiff_t TidOffset();

}  // namespace nodespawner
