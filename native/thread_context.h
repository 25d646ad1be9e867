// What a function's caller expects to find again after a call: the callee-saved registers, the stack pointer and the
// return address of the System V (x86-64) and AAPCS64 (aarch64) calling conventions. The layout is read by
// thread_context.S.
#pragma once

#include <stdint.h>

namespace nodespawner {

struct ThreadContext {
#if defined(__x86_64__)
  uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
#elif defined(__aarch64__)
  uint64_t x19_to_x30[12];
  uint64_t sp;
  uint64_t d8_to_d15[8];
#else
#error "nodespawner runs on x86-64 and aarch64"
#endif
};

// clone(2) or clone3(2), as the kernel takes it.
struct CloneCall {
  uint64_t number;
  uint64_t arguments[5];
};

extern "C" {

// Returns 0 when called. Returns 1 once more in every kernel thread that nodespawner_start_thread makes of `context`.
__attribute__((visibility("hidden"), returns_twice)) int nodespawner_save_context(ThreadContext* context);

// clone(2) of a thread that continues where `context` was saved, on that stack, with thread pointer `tls`.
// Returns the new thread's id or -errno.
__attribute__((visibility("hidden"))) long nodespawner_start_thread(unsigned long flags, const ThreadContext* context,
                                                                    int* parent_tid, int* child_tid, void* tls);

// A system call that makes a process which shares the memory (CLONE_VM) and the stack, on which it returns 0. The
// caller leaves that stack to it and goes on in `function`, which gets the new process's id and never returns, on the
// stack that ends at `stack`. Returns -errno if there is no new process.
__attribute__((visibility("hidden"))) long nodespawner_clone_return_in_child(const CloneCall* call, void* stack,
                                                                             void (*function)(long));
}

}  // namespace nodespawner
