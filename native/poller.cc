#include "poller.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "errors.h"
#include "unique_fd.h"
#include "uv_abi.h"

namespace nodespawner {
namespace {

struct Source {
  Napi::FunctionReference callback;
  bool collects = false;
  UniqueFd owned;  // when it collects
  size_t max_bytes = 0;
  uint64_t stop_after = 0;
  uint64_t seen = 0;
  bool truncated = false;
  std::vector<char> bytes;
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

  // Returns 0 or an errno.
  int Start() {
    if (handle_) return 0;
    epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_.valid()) return errno;
    uv_loop_s* loop = nullptr;
    if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return ENOSYS;
    auto* handle = static_cast<uv_handle_s*>(calloc(1, uv_handle_size(kUvPoll)));
    if (const int error = uv_poll_init(loop, handle, epoll_.get())) {
      free(handle);
      return -error;
    }
    handle_ = handle;
    uv_handle_set_data(handle_, this);
    uv_unref(handle_);
    if (const int error = uv_poll_start(handle_, kUvReadable, OnReadable)) return -error;
    // The handle has to be closed before the loop ends, which it does in its own time.
    napi_add_async_cleanup_hook(env_, Cleanup, this, &cleanup_);
    return 0;
  }

  int Add(int fd, std::unique_ptr<Source> source) {
    if (const int error = Start()) return error;
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return errno;
    sources_[fd] = std::move(source);
    return 0;
  }

  void Remove(int fd) {
    if (sources_.erase(fd)) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }

  void SetRef(bool ref) {
    if (Start() != 0) return;
    (ref ? uv_ref : uv_unref)(handle_);
  }

 private:
  explicit Poller(Napi::Env env) : env_(env), context_(env, "nodespawner") {}

  static void Forget(Napi::Env, Poller* poller) {
    if (!poller->handle_) delete poller;  // else Cleanup() does, once the handle is closed
  }

  static void Cleanup(napi_async_cleanup_hook_handle hook, void* data) {
    auto* poller = static_cast<Poller*>(data);
    // A worker thread that is terminated closes nothing itself, and its zygotes end with their sockets.
    for (const auto& [fd, source] : poller->sources_) {
      if (!source->collects) close(fd);
    }
    poller->sources_.clear();
    uv_poll_stop(poller->handle_);
    uv_close(poller->handle_, [](uv_handle_s* handle) {
      auto* closed = static_cast<Poller*>(uv_handle_get_data(handle));
      free(handle);
      closed->handle_ = nullptr;
      napi_remove_async_cleanup_hook(closed->cleanup_);
    });
    (void)hook;
  }

  static void OnReadable(uv_handle_s* handle, int, int) {
    static_cast<Poller*>(uv_handle_get_data(handle))->Dispatch();
  }

  void Dispatch() {
    epoll_event events[64];
    const int count = epoll_wait(epoll_.get(), events, 64, 0);
    for (int i = 0; i < count; i++) {
      // A callback may have removed what comes later in the batch.
      const auto found = sources_.find(events[i].data.fd);
      if (found == sources_.end()) continue;
      if (found->second->collects) {
        Gather(found->first, found->second.get());
      } else {
        Napi::HandleScope scope(env_);
        Call(found->second->callback, {});
      }
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
      source->bytes.insert(source->bytes.end(), chunk, chunk + kept);
      if (kept < static_cast<size_t>(got)) source->truncated = true;
      source->seen += static_cast<uint64_t>(got);
      if (source->seen > source->stop_after) return Finish(fd, 0);
    }
  }

  void Finish(int fd, int error) {
    const auto node = sources_.extract(fd);
    Source* source = node.mapped().get();
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    source->owned.reset();
    Napi::HandleScope scope(env_);
    napi_value bytes;
    // With the C functions, here and below: in a thread that is being terminated they fail, and the wrappers end the
    // process where they can't throw.
    if (napi_create_buffer_copy(env_, source->bytes.size(), source->bytes.data(), nullptr, &bytes) != napi_ok) return;
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
  UniqueFd epoll_;
  uv_handle_s* handle_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  std::unordered_map<int, std::unique_ptr<Source>> sources_;
};

Napi::Value Register(const Napi::CallbackInfo& info, int fd, std::unique_ptr<Source> source) {
  if (const int error = Poller::Of(info.Env())->Add(fd, std::move(source))) {
    return ThrowErrno(info.Env(), "epoll_ctl", error);
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
