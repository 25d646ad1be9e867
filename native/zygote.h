// What the zygote's JavaScript calls: baseline, seal, serve.
#pragma once

#include <napi.h>

namespace nodespawner {

// takeBaseline(): void. First thing in the zygote, before anything of the caller's is loaded.
Napi::Value TakeBaselineBinding(const Napi::CallbackInfo& info);

// seal({ ownFds: number[], idleTimeoutMs: number }): { threads, threadsLeftOut, startTime }
// Parks the runtime's threads and takes stock of what a clone has to renew. Afterwards only serve() may be called: no
// thread is there to collect garbage or to compile. Throws ERR_THREAD_NOT_CARRIED, ERR_FD_NOT_CARRIED,
// ERR_RUNTIME_UNSUPPORTED, ERR_LIBC_UNSUPPORTED or a system error.
Napi::Value SealBinding(const Napi::CallbackInfo& info);

// serve({ controlFd, stubFd, spareStubs }): number. Returns in each child, with its job socket; never in the zygote.
Napi::Value ServeBinding(const Napi::CallbackInfo& info);

// exitNow(code: number): never. _exit(2): no handlers, no destructors.
Napi::Value ExitNow(const Napi::CallbackInfo& info);

}  // namespace nodespawner
