#include "control_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "control.h"
#include "errors.h"
#include "fdpass.h"

namespace nodespawner {

Napi::Value EnableCredentials(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value(), on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return ThrowErrno(info.Env(), "setsockopt(SO_PASSCRED)", errno);
  }
  return info.Env().Undefined();
}

Napi::Value SendRequest(const Napi::CallbackInfo& info) {
  Request request = {};
  request.kind = static_cast<RequestKind>(info[1].As<Napi::Number>().Uint32Value());
  request.token = info[2].As<Napi::Number>().Uint32Value();
  request.signal = info[3].As<Napi::Number>().Int32Value();
  const int job_fd = info[4].As<Napi::Number>().Int32Value();
  const int error =
      SendMessage(info[0].As<Napi::Number>().Int32Value(), &request, sizeof request, &job_fd, job_fd >= 0 ? 1 : 0);
  // What passes. ETOOMANYREFS: descriptors in flight are limited too (unix(7)); they land as others receive them.
  if (error == EAGAIN || error == ETOOMANYREFS) return Napi::String::New(info.Env(), ErrnoName(error));
  if (error) return ThrowErrno(info.Env(), "sendmsg", error);
  return info.Env().Null();
}

Napi::Value ReceiveReply(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  char bytes[65536];
  ReceivedMessage message;
  const int error =
      ReceiveMessage(info[0].As<Napi::Number>().Int32Value(), bytes, sizeof bytes, 0, MSG_DONTWAIT, &message);
  if (error == EAGAIN) return env.Undefined();
  if (error == ECONNRESET || (!error && message.size == 0)) return env.Null();
  if (error) return ThrowErrno(env, "recvmsg", error);
  Napi::Object result = Napi::Object::New(env);
  if (bytes[0] == '{') {
    result.Set("text", Napi::String::New(env, bytes, message.size));
    return result;
  }
  Reply reply;
  if (message.size != sizeof reply) return ThrowErrno(env, "recvmsg", EBADMSG);
  memcpy(&reply, bytes, sizeof reply);
  result.Set("kind", static_cast<uint32_t>(reply.kind));
  result.Set("token", reply.token);
  result.Set("pid", message.translated_pid);
  result.Set("exitCode", WIFEXITED(reply.wait_status)
                             ? Napi::Value(Napi::Number::New(env, WEXITSTATUS(reply.wait_status)))
                             : env.Null());
  result.Set("signal", WIFSIGNALED(reply.wait_status) ? Napi::Value(Napi::Number::New(env, WTERMSIG(reply.wait_status)))
                                                      : env.Null());
  result.Set("userUs", static_cast<double>(reply.user_us));
  result.Set("systemUs", static_cast<double>(reply.system_us));
  result.Set("peakMemoryKb", static_cast<double>(reply.peak_memory_kb));
  result.Set("step", static_cast<const char*>(reply.step));
  result.Set("error", reply.error ? Napi::Value(Napi::String::New(env, ErrnoName(reply.error))) : env.Null());
  result.Set("forbidden", reply.forbidden);
  result.Set("oomKills", reply.oom_kills);
  result.Set("taskFails", reply.task_fails);
  result.Set("threads", reply.threads);
  result.Set("threadsLeftOut", reply.threads_left_out);
  return result;
}

}  // namespace nodespawner
