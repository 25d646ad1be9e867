#include "pagemap.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

namespace nodespawner {

Pagemap::Pagemap()
    : file_(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)), page_(static_cast<uintptr_t>(sysconf(_SC_PAGESIZE))) {}

size_t Pagemap::Read(uintptr_t address, uint64_t* entries, size_t count) const {
  if (!file_.valid()) return 0;
  const auto offset = static_cast<off_t>(address / page_ * sizeof *entries);
  const ssize_t got = pread(file_.get(), entries, count * sizeof *entries, offset);
  return got > 0 ? static_cast<size_t>(got) / sizeof *entries : 0;
}

}  // namespace nodespawner
