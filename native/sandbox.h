// What a child is confined by, as the host decided it. No defaults here: lib/sandbox.ts has them.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>

#include <vector>

namespace nodespawner {

struct ResourceLimit {
  int resource;  // RLIMIT_* of getrlimit(2)
  rlim_t soft, hard;
};

// As if they were layers, in `skipped`: /proc is not covered; the zygote's descriptors are not closed.
constexpr unsigned kSkipProcCover = 1u << 30;
constexpr unsigned kSkipNewFds = 1u << 29;

struct TmpLimits {
  unsigned long bytes = 0, inodes = 0;
};

struct Sandbox {
  unsigned layers = 0;   // bits of launcher/layers.h
  unsigned skipped = 0;  // layers that a child doesn't set up and still looks for: a test of what it then says
  std::vector<ResourceLimit> limits;
  TmpLimits tmp;                    // of the file system /tmp
  rlim_t data_bytes = 0;            // RLIMIT_DATA on top of what the zygote has; 0: none
  std::vector<sock_filter> filter;  // the seccomp program
  bool has_network = false;         // whether a link leads out of a child's network namespace
  bool covers_proc = false;         // whether little is left of /proc (proc_cover.h)
  bool single_process = false;      // the filter lets nobody start a process
  bool reuses_stubs = false;        // who has ended well has left nothing in its namespaces (launcher/stubs.h)
  int filter_probe = -1;            // a system call that the filter answers with EBADE, to prove that it is there
};

}  // namespace nodespawner
