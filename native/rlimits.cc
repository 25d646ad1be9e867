#include "rlimits.h"

#include <errno.h>
#include <stdio.h>

namespace nodespawner {
namespace {

rlim_t g_data_bytes = 0;

}  // namespace

const char* MeasureData() {
  FILE* status = fopen("/proc/self/status", "re");
  if (!status) return "open(/proc/self/status)";
  char line[256];
  unsigned long kilobytes = 0;
  while (fgets(line, sizeof line, status) && sscanf(line, "VmData: %lu", &kilobytes) != 1) {
  }
  fclose(status);
  g_data_bytes = rlim_t{kilobytes} * 1024;
  errno = ENODATA;
  return g_data_bytes ? nullptr : "read(/proc/self/status)";
}

const char* SetResourceLimits(const Sandbox& sandbox) {
  for (const ResourceLimit& limit : sandbox.limits) {
    const rlimit value = {limit.soft, limit.hard};
    if (setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0) return "setrlimit";
  }
  if (sandbox.data_bytes) {
    const rlim_t bytes = g_data_bytes + sandbox.data_bytes;
    const rlimit value = {bytes, bytes};
    if (setrlimit(RLIMIT_DATA, &value) != 0) return "setrlimit(RLIMIT_DATA)";
  }
  return nullptr;
}

}  // namespace nodespawner
