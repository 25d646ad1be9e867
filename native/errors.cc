#include "errors.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

namespace nodespawner {

std::string ErrnoName(int error) {
  // Which libuv has no name for, and the host acts on.
  if (error == ETOOMANYREFS) return "ETOOMANYREFS";
  // libuv names errors on every libc; strerrorname_np is glibc 2.32 and later. Node exports libuv's symbols.
  using ErrName = char* (*)(int, char*, size_t);
  static const auto err_name_r = reinterpret_cast<ErrName>(dlsym(RTLD_DEFAULT, "uv_err_name_r"));
  if (!err_name_r) return "E" + std::to_string(error);
  char name[64];
  return err_name_r(-error, name, sizeof name);
}

Napi::Value ThrowErrno(Napi::Env env, const char* syscall, int error, const std::string& detail) {
  const std::string name = ErrnoName(error);
  std::string message = name + ": " + strerror(error) + ", " + syscall;
  if (!detail.empty()) message += " (" + detail + ")";
  Napi::Error failure = Napi::Error::New(env, message);
  failure.Set("code", name);
  failure.Set("errno", static_cast<double>(-error));
  failure.Set("syscall", syscall);
  failure.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value ThrowFailure(Napi::Env env, const Failure& failure) {
  if (!failure.code) return ThrowErrno(env, failure.syscall, failure.error, failure.message);
  Napi::Error thrown = Napi::Error::New(env, failure.message);
  thrown.Set("code", failure.code);
  thrown.ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace nodespawner
