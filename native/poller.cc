#include "poller.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "errors.h"
#include "gathered.h"
#include "unique_fd.h"
#include "uv_abi.h"

namespace nodespawner {
namespace {

struct Source {
  uv_handle_s* handle = nullptr;
  Napi::FunctionReference callback;
  bool collects = false;
  UniqueFd owned;  // when it collects
  size_t max_bytes = 0;
  uint64_t stop_after = 0;
  uint64_t seen = 0;
  bool truncated = false;
  Gathered bytes;
};

class Poller {
 public:
  static Poller* Of(Napi::Env env) {
    auto* poller = env.GetInstanceData<Poller>();
    if (!poller) {
      poller = new Poller(env);
      env.SetInstanceData<Poller, Forget>(poller);
    }
    return poller;
  }

  int Add(int fd, std::unique_ptr<Source> source) {
    if (const int error = Start()) return error;
    auto* handle = static_cast<uv_handle_s*>(calloc(1, uv_handle_size(kUvPoll)));
    if (!handle) return ENOMEM;
    if (const int error = uv_poll_init(loop_, handle, fd)) {
      free(handle);
      return -error;
    }
    handles_++;
    uv_handle_set_data(handle, new Watched{this, fd});
    uv_unref(handle);
    if (const int error = uv_poll_start(handle, kUvReadable, OnReadable)) {
      Close(handle);
      return -error;
    }
    source->handle = handle;
    sources_[fd] = std::move(source);
    return 0;
  }

  // Before the descriptor is closed.
  void Remove(int fd) {
    const auto node = sources_.extract(fd);
    if (node) Close(node.mapped()->handle);
  }

  void SetRef(bool ref) {
    if (Start() != 0) return;
    (ref ? uv_ref : uv_unref)(anchor_);
  }

 private:
  struct Watched {
    Poller* poller;
    int fd;
  };

  explicit Poller(Napi::Env env) : env_(env), context_(env, "nodespawner") {}

  // Returns 0 or an errno.
  int Start() {
    if (anchor_) return 0;
    if (napi_get_uv_event_loop(env_, &loop_) != napi_ok) return ENOSYS;
    auto* anchor = static_cast<uv_handle_s*>(calloc(1, uv_handle_size(kUvAsync)));
    if (!anchor) return ENOMEM;
    if (const int error = uv_async_init(loop_, anchor, [](uv_handle_s*) {})) {
      free(anchor);
      return -error;
    }
    anchor_ = anchor;
    handles_++;
    uv_handle_set_data(anchor_, new Watched{this, -1});
    uv_unref(anchor_);
    // The handles have to be closed before the loop ends, which it does in its own time.
    napi_add_async_cleanup_hook(env_, Cleanup, this, &cleanup_);
    return 0;
  }

  static void Forget(Napi::Env, Poller* poller) {
    if (poller->handles_ == 0) delete poller;
  }

  static void Cleanup(napi_async_cleanup_hook_handle, void* data) {
    auto* poller = static_cast<Poller*>(data);
    // A worker thread that is terminated closes nothing itself, and its zygotes end with their sockets.
    for (const auto& [fd, source] : poller->sources_) {
      poller->Close(source->handle);
      if (!source->collects) close(fd);
    }
    poller->sources_.clear();
    poller->ends_ = true;
    poller->Close(poller->anchor_);
  }

  // From now on the loop doesn't look at the descriptor any more.
  void Close(uv_handle_s* handle) {
    uv_close(handle, [](uv_handle_s* closed) {
      const std::unique_ptr<Watched> watched(static_cast<Watched*>(uv_handle_get_data(closed)));
      free(closed);
      Poller* poller = watched->poller;
      if (--poller->handles_ == 0 && poller->ends_) napi_remove_async_cleanup_hook(poller->cleanup_);
    });
  }

  static void OnReadable(uv_handle_s* handle, int status, int) {
    // Of an error of the descriptor's libuv tells once. Reading says which it is.
    if (status < 0) uv_poll_start(handle, kUvReadable, OnReadable);
    const auto* watched = static_cast<Watched*>(uv_handle_get_data(handle));
    watched->poller->Dispatch(watched->fd);
  }

  void Dispatch(int fd) {
    const auto found = sources_.find(fd);
    if (found == sources_.end()) return;
    if (found->second->collects) {
      Gather(fd, found->second.get());
    } else {
      Napi::HandleScope scope(env_);
      Call(found->second->callback, {});
    }
  }

  // SECURITY: reads a bounded amount at a time, so that a child that never stops writing does not stop the host.
  void Gather(int fd, Source* source) {
    constexpr size_t kMostReads = 16;
    char chunk[65536];
    for (size_t i = 0; i < kMostReads; i++) {
      const ssize_t got = read(fd, chunk, sizeof chunk);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return Finish(fd, got < 0 ? errno : 0);
      const size_t room = source->max_bytes - source->bytes.size();
      const size_t kept = static_cast<size_t>(got) < room ? static_cast<size_t>(got) : room;
      if (!source->bytes.Append(chunk, kept)) return Finish(fd, ENOMEM);
      if (kept < static_cast<size_t>(got)) source->truncated = true;
      source->seen += static_cast<uint64_t>(got);
      if (source->seen > source->stop_after) return Finish(fd, 0);
    }
  }

  void Finish(int fd, int error) {
    const auto node = sources_.extract(fd);
    Source* source = node.mapped().get();
    Close(source->handle);
    source->owned.reset();
    Napi::HandleScope scope(env_);
    // With the C functions, here and below: in a thread that is being terminated they fail, and the wrappers end the
    // process where they can't throw.
    napi_value bytes = source->bytes.Take(env_);
    if (!bytes) return;
    Call(source->callback,
         {bytes, Napi::Boolean::New(env_, source->truncated),
          Napi::Boolean::New(env_, source->seen > source->stop_after), Napi::Number::New(env_, error)});
  }

  void Call(const Napi::FunctionReference& callback, const std::vector<napi_value>& arguments) {
    napi_value result, thrown;
    const napi_status status = napi_make_callback(env_, context_, env_.Global(), callback.Value(), arguments.size(),
                                                  arguments.data(), &result);
    if (status != napi_pending_exception) return;
    if (napi_get_and_clear_last_exception(env_, &thrown) == napi_ok) napi_fatal_exception(env_, thrown);
  }

  Napi::Env env_;
  Napi::AsyncContext context_;
  uv_loop_s* loop_ = nullptr;
  uv_handle_s* anchor_ = nullptr;  // what keeps the loop alive
  size_t handles_ = 0;             // that are not closed yet
  bool ends_ = false;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  std::unordered_map<int, std::unique_ptr<Source>> sources_;
};

Napi::Value Register(const Napi::CallbackInfo& info, int fd, std::unique_ptr<Source> source) {
  if (const int error = Poller::Of(info.Env())->Add(fd, std::move(source))) {
    return ThrowErrno(info.Env(), "uv_poll_start", error);
  }
  return info.Env().Undefined();
}

}  // namespace

Napi::Value Watch(const Napi::CallbackInfo& info) {
  auto source = std::make_unique<Source>();
  source->callback = Napi::Persistent(info[1].As<Napi::Function>());
  return Register(info, info[0].As<Napi::Number>().Int32Value(), std::move(source));
}

Napi::Value Unwatch(const Napi::CallbackInfo& info) {
  Poller::Of(info.Env())->Remove(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value Collect(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  auto source = std::make_unique<Source>();
  source->collects = true;
  source->owned.reset(fd);
  source->max_bytes = static_cast<size_t>(info[1].As<Napi::Number>().Int64Value());
  // What is no safe integer is as good as no limit.
  const double stop_after = info[2].As<Napi::Number>().DoubleValue();
  source->stop_after = stop_after < 0x1p53 ? static_cast<uint64_t>(stop_after) : UINT64_MAX;
  source->callback = Napi::Persistent(info[3].As<Napi::Function>());
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return ThrowErrno(info.Env(), "fcntl", errno);
  return Register(info, fd, std::move(source));
}

Napi::Value SetPollerRef(const Napi::CallbackInfo& info) {
  Poller::Of(info.Env())->SetRef(info[0].As<Napi::Boolean>());
  return info.Env().Undefined();
}

}  // namespace nodespawner
