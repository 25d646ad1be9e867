#include "start_time.h"

#include <dlfcn.h>
#include <stdint.h>

#include "syscalls.h"

namespace nodespawner {
namespace {

uint64_t* g_node_start_time = nullptr;  // nanoseconds of CLOCK_MONOTONIC, as uv_hrtime()

}  // namespace

bool FindStartTime() {
  g_node_start_time = static_cast<uint64_t*>(dlsym(RTLD_DEFAULT, "_ZN4node11per_process15node_start_timeE"));
  return g_node_start_time != nullptr;
}

bool ResetStartTime() {
  if (g_node_start_time) *g_node_start_time = monotonic_ns();
  return g_node_start_time != nullptr;
}

}  // namespace nodespawner
