#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "errors.h"
#include "fdpass.h"

namespace nodespawner {
namespace {

Napi::Value FdPair(Napi::Env env, const int fds[2]) {
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0u, fds[0]);
  pair.Set(1u, fds[1]);
  return pair;
}

int FdArgument(const Napi::CallbackInfo& info, size_t index) { return info[index].As<Napi::Number>().Int32Value(); }

}  // namespace

Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    return ThrowErrno(info.Env(), "socketpair", errno);
  return FdPair(info.Env(), fds);
}

Napi::Value Pipe(const Napi::CallbackInfo& info) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ThrowErrno(info.Env(), "pipe2", errno);
  return FdPair(info.Env(), fds);
}

Napi::Value SendBytes(const Napi::CallbackInfo& info) {
  const auto bytes = info[1].As<Napi::Uint8Array>();
  const auto list = info[2].As<Napi::Array>();
  std::vector<int> fds;
  for (uint32_t i = 0; i < list.Length(); i++) fds.push_back(list.Get(i).As<Napi::Number>().Int32Value());
  const int error = SendMessage(FdArgument(info, 0), bytes.Data(), bytes.ByteLength(), fds.data(), fds.size());
  if (error) return ThrowErrno(info.Env(), "sendmsg", error);
  return info.Env().Undefined();
}

Napi::Value ReceiveBytes(const Napi::CallbackInfo& info) {
  const size_t capacity = info[1].As<Napi::Number>().Uint32Value();
  // Not set to zero: only what is received is touched, and each page of it costs a fault.
  const std::unique_ptr<char[]> bytes(new char[capacity]);
  ReceivedMessage message;
  const int error = ReceiveMessage(FdArgument(info, 0), bytes.get(), capacity, kMaxFdsPerMessage, 0, &message);
  if (error) return ThrowErrno(info.Env(), "recvmsg", error);
  if (message.size == 0) return info.Env().Null();
  Napi::Array fds = Napi::Array::New(info.Env(), message.fds.size());
  for (uint32_t i = 0; i < message.fds.size(); i++) fds.Set(i, message.fds[i].release());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("bytes", Napi::Buffer<char>::Copy(info.Env(), bytes.get(), message.size));
  result.Set("fds", fds);
  return result;
}

Napi::Value HasMessage(const Napi::CallbackInfo& info) {
  pollfd socket = {FdArgument(info, 0), POLLIN, 0};
  return Napi::Boolean::New(info.Env(), poll(&socket, 1, 0) > 0);
}

Napi::Value Close(const Napi::CallbackInfo& info) {
  if (close(FdArgument(info, 0)) != 0) return ThrowErrno(info.Env(), "close", errno);
  return info.Env().Undefined();
}

Napi::Value SetNonBlocking(const Napi::CallbackInfo& info) {
  const int fd = FdArgument(info, 0), flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return ThrowErrno(info.Env(), "fcntl", errno);
  return info.Env().Undefined();
}

Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  const int fd = fcntl(FdArgument(info, 0), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return ThrowErrno(info.Env(), "fcntl(F_DUPFD_CLOEXEC)", errno);
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value DuplicateTo(const Napi::CallbackInfo& info) {
  const int from = FdArgument(info, 0), to = FdArgument(info, 1);
  if (dup2(from, to) != to) return ThrowErrno(info.Env(), "dup2", errno);
  close(from);
  return info.Env().Undefined();
}

}  // namespace nodespawner
