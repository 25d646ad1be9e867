#include "zygote.h"

#include <stdio.h>
#include <unistd.h>

#include <memory>

#include "clone.h"
#include "errors.h"
#include "fd_table.h"
#include "randomness.h"
#include "serve.h"
#include "start_time.h"
#include "threads.h"

namespace nodespawner {
namespace {

// One zygote is one process, and the baseline is read again after the clone, so these are globals of the process.
Baseline& TheBaseline() {
  static auto* baseline = new Baseline();
  return *baseline;
}

int IntOption(const Napi::Object& options, const char* name) {
  return options.Get(name).As<Napi::Number>().Int32Value();
}

}  // namespace

Napi::Value TakeBaselineBinding(const Napi::CallbackInfo& info) {
  TheBaseline() = TakeBaseline();
  return info.Env().Undefined();
}

Napi::Value SealBinding(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  const auto list = options.Get("ownFds").As<Napi::Array>();
  std::vector<int> own_fds;
  for (uint32_t i = 0; i < list.Length(); i++) own_fds.push_back(list.Get(i).As<Napi::Number>().Int32Value());

  const bool start_time = FindStartTime();
  if (const auto failure = FindGenerators()) return ThrowFailure(env, *failure);
  CarriedThreads threads;
  if (const auto failure = ParkThreads(TheBaseline(), IntOption(options, "idleTimeoutMs"), &threads)) {
    return ThrowFailure(env, *failure);
  }
  // With all other threads parked nothing opens or closes a descriptor any more.
  if (const auto failure = InventoryFds(own_fds)) return ThrowFailure(env, *failure);
  if (const auto failure = PrepareClone()) return ThrowFailure(env, *failure);

  Napi::Object result = Napi::Object::New(env);
  result.Set("threads", static_cast<double>(threads.carried));
  result.Set("threadsLeftOut", static_cast<double>(threads.left_out));
  result.Set("startTime", start_time);
  return result;
}

Napi::Value ServeBinding(const Napi::CallbackInfo& info) {
  const auto options = info[0].As<Napi::Object>();
  ServeOptions serve;
  serve.control_fd = IntOption(options, "controlFd");
  serve.stub_fd = IntOption(options, "stubFd");
  serve.spare_stubs = IntOption(options, "spareStubs");
  int job_fd = -1;
  if (const auto failure = Serve(serve, &job_fd)) return ThrowFailure(info.Env(), *failure);
  return Napi::Number::New(info.Env(), job_fd);
}

Napi::Value ExitNow(const Napi::CallbackInfo& info) {
  fflush(nullptr);  // what a native module has printed
  _exit(info[0].As<Napi::Number>().Int32Value());
}

}  // namespace nodespawner
