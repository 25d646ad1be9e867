// How native code says what went wrong, without exceptions: a stable code, words for people, and the system call.
#pragma once

#include <string>

namespace nodespawner {

struct Failure {
  const char* code = nullptr;  // for example "ERR_THREAD_NOT_CARRIED"; null when a system call failed
  std::string message;
  const char* syscall = nullptr;
  int error = 0;  // errno of `syscall`

  static Failure Errno(const char* syscall, int error, std::string message = "") {
    return {nullptr, std::move(message), syscall, error};
  }
  static Failure Code(const char* code, std::string message) { return {code, std::move(message), nullptr, 0}; }
};

}  // namespace nodespawner
