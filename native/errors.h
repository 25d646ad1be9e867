// Failures of native code as JavaScript errors in the form that Node documents for system errors.
#pragma once

#include <napi.h>

#include "failure.h"

namespace nodespawner {

// Throws an Error with code ('EPERM'), errno (negative) and syscall. Returns undefined, for `return ThrowErrno(…)`.
Napi::Value ThrowErrno(Napi::Env env, const char* syscall, int error, const std::string& detail = "");

Napi::Value ThrowFailure(Napi::Env env, const Failure& failure);

// 'EPERM' for EPERM; 'E<number>' where libc has no name for it.
std::string ErrnoName(int error);

}  // namespace nodespawner
