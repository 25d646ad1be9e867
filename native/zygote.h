// What the zygote's JavaScript calls: baseline, sealing, serving.
#pragma once

#include <napi.h>

namespace nodespawner {

// takeBaseline(): void. First thing in the zygote, before anything of the caller's is loaded.
Napi::Value TakeBaselineBinding(const Napi::CallbackInfo& info);

// sealAndServe({ controlFd, stubFd, ringFd, spareStubs, idleTimeoutMs, sandbox }): { fd: number, isScout: boolean }
// sandbox: { layers, limits: [resource, soft, hard][], dataBytes, tmp: { bytes, inodes }, filter: Uint8Array,
//            singleProcess, reusesStubs, filterProbe }
// Parks the runtime's threads, takes stock of what a clone has to renew, tells the host, and serves: one call, since
// without its threads the runtime can neither collect garbage nor compile. Returns in each child, with its job socket,
// and in a scout, with what it is to report to (serve.h); in the zygote with -1, its threads going on, when there is
// time to warm it up. Throws ERR_THREAD_NOT_CARRIED, ERR_FD_NOT_CARRIED, ERR_RUNTIME_UNSUPPORTED, ERR_LIBC_UNSUPPORTED
// or a system error; the process can then do nothing but report it and end.
Napi::Value SealAndServe(const Napi::CallbackInfo& info);

// sealAgain({ idleTimeoutMs, isWarm }): { fd: number, isScout: boolean }. When one of the two has returned -1: serves
// on, as the former. isWarm: what is left to do needs no JavaScript, so it doesn't return in the zygote any more.
Napi::Value SealAgain(const Napi::CallbackInfo& info);

// isWanted(): boolean. In between: whether somebody waits for the zygote to serve on.
Napi::Value IsWantedBinding(const Napi::CallbackInfo& info);

// pendingRequests(): number. How many requests of libuv are under way: reading files, resolving names, deriving keys, …
Napi::Value PendingRequests(const Napi::CallbackInfo& info);

// resetStartTime(): boolean. In a child: process.uptime() counts from now on. False where this build of Node does not
// let us.
Napi::Value ResetStartTimeBinding(const Napi::CallbackInfo& info);

// reportTouchedPages(fd: number): void. In a scout: the pages that it has used so far (touched_pages.h).
Napi::Value ReportTouchedPagesBinding(const Napi::CallbackInfo& info);

// processId(): number. getpid(2), which process.pid does not follow after a clone.
Napi::Value ProcessId(const Napi::CallbackInfo& info);

// exitNow(code: number): never. _exit(2): no handlers, no destructors.
Napi::Value ExitNow(const Napi::CallbackInfo& info);

}  // namespace nodespawner
