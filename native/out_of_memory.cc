#include "out_of_memory.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

namespace nodespawner {
namespace {

// The handler runs where no memory can be had.
struct {
  int fd;
  size_t size;
  char report[64];
} g_out_of_memory;
std::atomic<bool> g_is_told{false};

using GetCurrent = void* (*)();
using SetHandler = void (*)(void* isolate, void (*handler)(const char*, const void*));
GetCurrent g_get_current = nullptr;
SetHandler g_set_handler = nullptr;

constexpr int kExitCode = 134;  // what a shell says of SIGABRT, which it would have been

// v8::OOMErrorCallback; the second argument is a reference to v8::OOMDetails.
void OnOutOfMemory(const char*, const void*) {
  // Threads that V8 compiles in may have none at the same moment. The host reads one report.
  while (g_is_told.exchange(true)) pause();
  const ssize_t written = write(g_out_of_memory.fd, g_out_of_memory.report, g_out_of_memory.size);
  _exit(written < 0 ? kExitCode + 1 : kExitCode);
}

}  // namespace

void FindOutOfMemoryHandler() {
  g_get_current = reinterpret_cast<GetCurrent>(dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv"));
  g_set_handler =
      reinterpret_cast<SetHandler>(dlsym(RTLD_DEFAULT, "_ZN2v87Isolate18SetOOMErrorHandlerEPFvPKcRKNS_10OOMDetailsEE"));
}

Napi::Value ReportOutOfMemory(const Napi::CallbackInfo& info) {
  const auto report = info[1].As<Napi::Uint8Array>();
  const bool possible = g_get_current && g_set_handler && report.ByteLength() <= sizeof g_out_of_memory.report;
  if (possible) {
    g_out_of_memory.fd = info[0].As<Napi::Number>().Int32Value();
    g_out_of_memory.size = report.ByteLength();
    memcpy(g_out_of_memory.report, report.Data(), report.ByteLength());
    g_set_handler(g_get_current(), OnOutOfMemory);
  }
  return Napi::Boolean::New(info.Env(), possible);
}

}  // namespace nodespawner
