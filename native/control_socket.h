// The host's end of the control socket (control.h).
#pragma once

#include <napi.h>

namespace nodespawner {

// enableCredentials(fd: number): void; SO_PASSCRED, by which the kernel translates children's pids for us
Napi::Value EnableCredentials(const Napi::CallbackInfo& info);

// sendRequest(fd: number, kind: number, token: number, signal: number, jobFd: number): boolean; false when the socket
// is full. jobFd is -1 except with kClone.
Napi::Value SendRequest(const Napi::CallbackInfo& info);

// receiveReply(fd: number): object | null | undefined; null when the zygote has closed its end, undefined when there is
// none now. { kind, token, pid, exitCode, signal, userUs, systemUs, peakMemoryKb, step, error, forbidden, oomKills,
// taskFails, threads, threadsLeftOut }, or { text } for what the zygote says before it is sealed.
Napi::Value ReceiveReply(const Napi::CallbackInfo& info);

}  // namespace nodespawner
