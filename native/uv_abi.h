// What we need of libuv. Node exports its functions, and their ABI is fixed for all of libuv 1.x, but node-api-headers
// carries no uv.h. Handles are opaque here: their size is asked of libuv.
#pragma once

#include <node_api.h>
#include <stddef.h>

extern "C" {

struct uv_handle_s;
using uv_poll_callback = void (*)(uv_handle_s* handle, int status, int events);
using uv_close_callback = void (*)(uv_handle_s* handle);

size_t uv_handle_size(int type);
void uv_handle_set_data(uv_handle_s* handle, void* data);
void* uv_handle_get_data(const uv_handle_s* handle);
int uv_poll_init(uv_loop_s* loop, uv_handle_s* handle, int fd);
int uv_poll_start(uv_handle_s* handle, int events, uv_poll_callback callback);
int uv_async_init(uv_loop_s* loop, uv_handle_s* handle, void (*callback)(uv_handle_s* handle));
void uv_ref(uv_handle_s* handle);
void uv_unref(uv_handle_s* handle);
void uv_close(uv_handle_s* handle, uv_close_callback callback);

}  // extern "C"

namespace nodespawner {

// How struct uv_loop_s begins.
struct UvLoopStart {
  void* data;
  unsigned active_handles;
  void* handle_queue[2];
  union {
    void* unused;
    unsigned count;
  } active_requests;
};

constexpr int kUvAsync = 1;     // UV_ASYNC of enum uv_handle_type
constexpr int kUvPoll = 8;      // UV_POLL
constexpr int kUvReadable = 1;  // UV_READABLE of enum uv_poll_event

}  // namespace nodespawner
