#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "backing_store.h"
#include "errors.h"
#include "give_back.h"
#include "unique_fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace nodespawner {

namespace {

// SECURITY: a child that may start programs is not to start one that it wrote there.
// Returns -1 with the error thrown.
int NewMemfd(Napi::Env env, const std::string& name) {
  int fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) {
    // Before Linux 6.3. This takes the right away, but doesn't keep its owner from giving it back.
    fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && fchmod(fd, 0600) != 0) {
      const int error = errno;
      close(fd);
      ThrowErrno(env, "fchmod", error);
      return -1;
    }
  }
  if (fd < 0) ThrowErrno(env, "memfd_create", errno);
  return fd;
}

Napi::Value Sealed(Napi::Env env, UniqueFd fd, int seals) {
  if (fcntl(fd.get(), F_ADD_SEALS, seals) != 0) return ThrowErrno(env, "fcntl(F_ADD_SEALS)", errno);
  return Napi::Number::New(env, fd.release());
}

// Returns 0 or an errno.
int WriteAt(int fd, const uint8_t* bytes, size_t length, off_t position) {
  while (length > 0) {
    const ssize_t written = pwrite(fd, bytes, length, position);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes += written;
    length -= static_cast<size_t>(written);
    position += written;
  }
  return 0;
}

}  // namespace

Napi::Value CreateMemfd(const Napi::CallbackInfo& info) {
  const int fd = NewMemfd(info.Env(), info[0].As<Napi::String>());
  if (fd < 0) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value CreateFilledMemfd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UniqueFd fd(NewMemfd(env, info[0].As<Napi::String>()));
  if (!fd.valid()) return env.Undefined();
  const auto pieces = info[1].As<Napi::Array>(), positions = info[2].As<Napi::Array>();
  for (uint32_t i = 0; i < pieces.Length(); i++) {
    const auto piece = pieces.Get(i).As<Napi::Uint8Array>();
    const int64_t position = positions.Get(i).As<Napi::Number>().Int64Value();
    const int error = WriteAt(fd.get(), piece.Data(), piece.ByteLength(), position);
    if (error) return ThrowErrno(env, "write", error);
  }
  return Sealed(env, std::move(fd), info[3].As<Napi::Number>().Int32Value());
}

Napi::Value CreateEmptyMemfd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UniqueFd fd(NewMemfd(env, info[0].As<Napi::String>()));
  if (!fd.valid()) return env.Undefined();
  if (ftruncate(fd.get(), info[1].As<Napi::Number>().Int64Value()) != 0) return ThrowErrno(env, "ftruncate", errno);
  return Sealed(env, std::move(fd), info[2].As<Napi::Number>().Int32Value());
}

Napi::Value AddSeals(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value(), seals = info[1].As<Napi::Number>().Int32Value();
  if (fcntl(fd, F_ADD_SEALS, seals) != 0) return ThrowErrno(info.Env(), "fcntl(F_ADD_SEALS)", errno);
  return info.Env().Undefined();
}

Napi::Value SeekHole(const Napi::CallbackInfo& info) {
  const off_t offset = lseek(info[0].As<Napi::Number>().Int32Value(), 0, SEEK_HOLE);
  if (offset < 0 && errno == ENXIO) return Napi::Number::New(info.Env(), 0);  // it is empty
  if (offset < 0) return ThrowErrno(info.Env(), "lseek(SEEK_HOLE)", errno);
  return Napi::Number::New(info.Env(), static_cast<double>(offset));
}

namespace {

struct Mapping {
  void* address;
  size_t length;
  Napi::Value otherwise;  // what to return where there is no address
};

// Of a descriptor and a length, which a function was called with.
Mapping Map(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const auto length = static_cast<size_t>(info[1].As<Napi::Number>().Int64Value());
  if (length == 0) return {nullptr, 0, Napi::ArrayBuffer::New(info.Env(), 0)};
  void* address = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED) return {nullptr, 0, ThrowErrno(info.Env(), "mmap", errno)};
  return {address, length, {}};
}

Napi::Value Counted(Napi::Env env, void* address, size_t length) {
  // Not Napi::ArrayBuffer::New(), which frees its data where Node 20 refuses more than 4 GB, and Node then uses it.
  // What Node leaves is a few bytes, or a mapping of memory that nobody has touched.
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(
      env, address, length,
      [](napi_env, void* data, void* hint) {
        const std::unique_ptr<size_t> size(static_cast<size_t*>(hint));
        GiveBack(data, *size);
      },
      new size_t(length), &buffer);
  if (status == napi_ok) return {env, buffer};
  if (!env.IsExceptionPending()) return ThrowErrno(env, "napi_create_external_arraybuffer", ENOMEM);
  return {};
}

}  // namespace

Napi::Value MapPrivate(const Napi::CallbackInfo& info) {
  const auto mapping = Map(info);
  if (mapping.address == nullptr) return mapping.otherwise;
  return Counted(info.Env(), mapping.address, mapping.length);
}

Napi::Value MapUncounted(const Napi::CallbackInfo& info) {
  const auto mapping = Map(info);
  if (mapping.address == nullptr) return mapping.otherwise;
  const Napi::Value buffer = NewUncounted(info.Env(), mapping.address, mapping.length, GiveBack);
  return buffer.IsEmpty() ? Counted(info.Env(), mapping.address, mapping.length) : buffer;
}

Napi::Value Unmap(const Napi::CallbackInfo& info) {
  info[0].As<Napi::ArrayBuffer>().Detach();
  return info.Env().Undefined();
}

Napi::Value CloseMemfd(const Napi::CallbackInfo& info) {
  GiveBack(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

}  // namespace nodespawner
