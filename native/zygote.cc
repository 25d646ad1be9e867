#include "zygote.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>

#include "backing_store.h"
#include "caps.h"
#include "clone.h"
#include "errors.h"
#include "fd_table.h"
#include "huge_program.h"
#include "launcher/layers.h"
#include "malloc_holes.h"
#include "out_of_memory.h"
#include "pid_numbers.h"
#include "randomness.h"
#include "rlimits.h"
#include "serve.h"
#include "start_time.h"
#include "thread_starts.h"
#include "threads.h"
#include "touched_pages.h"
#include "uv_abi.h"
#include "v8_thread_id.h"
#include "verify.h"

namespace nodespawner {
namespace {

// One zygote is one process, and the baseline is read again after the clone, so these are globals of the process.
Baseline& TheBaseline() {
  static auto* baseline = new Baseline();
  return *baseline;
}

// Less than what malloc(3) maps by itself.
constexpr size_t kRoomBytes = size_t{120} * 1024;

size_t g_carried = 0;  // threads, when it was sealed first

int IntOption(const Napi::Object& options, const char* name) {
  return options.Get(name).As<Napi::Number>().Int32Value();
}

Sandbox ReadSandbox(const Napi::Object& options) {
  Sandbox sandbox;
  sandbox.layers = options.Get("layers").As<Napi::Number>().Uint32Value();
  sandbox.skipped = options.Get("skipped").As<Napi::Number>().Uint32Value();
  const auto limits = options.Get("limits").As<Napi::Array>();
  for (uint32_t i = 0; i < limits.Length(); i++) {
    const auto limit = limits.Get(i).As<Napi::Array>();
    const auto number = [&](uint32_t index) { return limit.Get(index).As<Napi::Number>().Int64Value(); };
    sandbox.limits.push_back(
        {static_cast<int>(number(0)), static_cast<rlim_t>(number(1)), static_cast<rlim_t>(number(2))});
  }
  const auto tmp = options.Get("tmp").As<Napi::Object>();
  sandbox.tmp.bytes = static_cast<unsigned long>(tmp.Get("bytes").As<Napi::Number>().Int64Value());
  sandbox.tmp.inodes = static_cast<unsigned long>(tmp.Get("inodes").As<Napi::Number>().Int64Value());
  sandbox.data_bytes = static_cast<rlim_t>(options.Get("dataBytes").As<Napi::Number>().Int64Value());
  const auto filter = options.Get("filter").As<Napi::Uint8Array>();
  sandbox.filter.resize(filter.ByteLength() / sizeof(sock_filter));
  memcpy(sandbox.filter.data(), filter.Data(), sandbox.filter.size() * sizeof(sock_filter));
  sandbox.has_network = options.Get("hasNetwork").As<Napi::Boolean>().Value();
  sandbox.covers_proc = options.Get("coversProc").StrictEquals(Napi::Boolean::New(options.Env(), true));
  sandbox.single_process = options.Get("singleProcess").StrictEquals(Napi::Boolean::New(options.Env(), true));
  sandbox.reuses_stubs = options.Get("reusesStubs").StrictEquals(Napi::Boolean::New(options.Env(), true));
  sandbox.filter_probe = IntOption(options, "filterProbe");
  return sandbox;
}

// SECURITY: for what the zygote allocates for the sake of its children. How far the heap reaches would tell them of
// their siblings.
void HaveRoom() {
  void* volatile room = malloc(kRoomBytes);  // which compilers would leave out
  free(room);
}

// In the zygote it may return, with all threads going on, so that it can be warmed up.
Napi::Value ServeChildren(Napi::Env env, bool is_warm) {
  HaveRoom();
  Clone clone = Serve(ServeUntil::kQuiet);
  if (clone.fd == kQuiet && is_warm) {
    // What compilers have freed: a clone would copy the tables of these pages.
    malloc_trim(0);
    FillHoles();
    HaveRoom();
    PutCodeInHugePages();
    clone = Serve(ServeUntil::kEnd);
  }
  if (clone.fd == kQuiet) ReleaseThreads();
  const auto result = Napi::Object::New(env);
  result.Set("fd", Napi::Number::New(env, clone.fd));
  result.Set("isScout", Napi::Boolean::New(env, clone.is_scout));
  return result;
}

}  // namespace

Napi::Value TakeBaselineBinding(const Napi::CallbackInfo& info) {
  TheBaseline() = TakeBaseline();
  return info.Env().Undefined();
}

Napi::Value SealAndServe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  ServeOptions serve = {};
  serve.control_fd = IntOption(options, "controlFd");
  serve.stub_fd = IntOption(options, "stubFd");
  serve.ring_fd = IntOption(options, "ringFd");
  serve.spare_stubs = IntOption(options, "spareStubs");

  AskForStubs(serve);
  FindStartTime();
  FindOutOfMemoryHandler();
  FindBackingStores();
  if (const auto failure = FindGenerators()) return ThrowFailure(env, *failure);
  if (const auto failure = FindV8ThreadId()) return ThrowFailure(env, *failure);
  CarriedThreads threads;
  if (const auto failure = ParkThreads(TheBaseline(), IntOption(options, "idleTimeoutMs"), &threads)) {
    return ThrowFailure(env, *failure);
  }
  serve.sandbox = ReadSandbox(options.Get("sandbox").As<Napi::Object>());
  serve.sandbox.reuses_stubs = serve.sandbox.reuses_stubs && CanChoosePids();
  // With all other threads parked nothing opens or closes a descriptor any more.
  if (const auto failure = InventoryFds({serve.control_fd, serve.stub_fd, serve.ring_fd, PidNumbersFd()}))
    return ThrowFailure(env, *failure);
  if (const auto failure = PrepareClone()) return ThrowFailure(env, *failure);
  if (const char* step = MeasureData()) return ThrowErrno(env, step, errno);
  if (const char* step = NoteNamespaces()) return ThrowErrno(env, step, errno);
  if (serve.sandbox.layers & ~serve.sandbox.skipped & LAYER_CAPABILITIES) {
    if (const char* step = LockCapabilities()) return ThrowErrno(env, step, errno);
  }

  serve.threads = static_cast<int>(threads.carried);
  serve.threads_left_out = static_cast<int>(threads.left_out);
  g_carried = threads.carried;
  KeepSpareFds();
  if (const auto failure = BeginToServe(serve)) return ThrowFailure(env, *failure);
  return ServeChildren(env, false);
}

Napi::Value SealAgain(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  const bool is_warm = options.Get("isWarm").As<Napi::Boolean>().Value();
  CloseSpareFds();
  CarriedThreads threads;
  if (const auto failure = ParkThreads(TheBaseline(), IntOption(options, "idleTimeoutMs"), &threads)) {
    return ThrowFailure(env, *failure);
  }
  // Each time as many, and there are always some.
  if (threads.carried < g_carried)
    return ThrowFailure(env, Failure::Code("ERR_THREAD_NOT_CARRIED", "a thread is gone"));
  if (const auto failure = InventoryFdsAgain()) return ThrowFailure(env, *failure);
  // Not the first time: with the first child it is seen whether the limit of tasks lets all of them be started.
  PlanStarts();
  if (const char* step = MeasureData()) return ThrowErrno(env, step, errno);
  if (!is_warm) KeepSpareFds();
  return ServeChildren(env, is_warm);
}

Napi::Value ReportTouchedPagesBinding(const Napi::CallbackInfo& info) {
  ReportTouchedPages(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value IsWantedBinding(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), IsWanted()); }

Napi::Value PendingRequests(const Napi::CallbackInfo& info) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(info.Env(), &loop) != napi_ok) {
    return ThrowFailure(info.Env(), Failure::Code("ERR_RUNTIME_UNSUPPORTED", "there is no event loop"));
  }
  return Napi::Number::New(info.Env(), reinterpret_cast<const UvLoopStart*>(loop)->active_requests.count);
}

Napi::Value ResetStartTimeBinding(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), ResetStartTime());
}

Napi::Value ProcessId(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), getpid()); }

Napi::Value ExitNow(const Napi::CallbackInfo& info) {
  fflush(nullptr);  // what a native module has printed
  _exit(info[0].As<Napi::Number>().Int32Value());
}

}  // namespace nodespawner
