#include "rlimits.h"

#include <errno.h>
#include <stdio.h>

#include <algorithm>

namespace nodespawner {
namespace {

rlim_t g_data_bytes = 0;

// A limit that is stricter already stays: it can't be raised.
rlimit Stricter(int resource, rlim_t soft, rlim_t hard) {
  rlimit now;
  if (getrlimit(static_cast<__rlimit_resource_t>(resource), &now) != 0) return {soft, hard};
  const rlim_t possible = std::min(hard, now.rlim_max);
  return {std::min(soft, possible), possible};
}

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
    const rlimit value = Stricter(limit.resource, limit.soft, limit.hard);
    if (setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0) return "setrlimit";
  }
  if (sandbox.data_bytes) {
    const rlim_t bytes = g_data_bytes + sandbox.data_bytes;
    const rlimit value = Stricter(RLIMIT_DATA, bytes, bytes);
    if (setrlimit(RLIMIT_DATA, &value) != 0) return "setrlimit(RLIMIT_DATA)";
  }
  return nullptr;
}

bool HasResourceLimits(const Sandbox& sandbox) {
  const auto has = [](int resource, rlim_t soft, rlim_t hard) {
    rlimit value;
    const bool read = getrlimit(static_cast<__rlimit_resource_t>(resource), &value) == 0;
    return read && value.rlim_cur <= soft && value.rlim_max <= hard;
  };
  const rlim_t data = g_data_bytes + sandbox.data_bytes;
  return std::all_of(sandbox.limits.begin(), sandbox.limits.end(),
                     [&](const ResourceLimit& limit) { return has(limit.resource, limit.soft, limit.hard); }) &&
         (!sandbox.data_bytes || has(RLIMIT_DATA, data, data));
}

}  // namespace nodespawner
