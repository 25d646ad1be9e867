#include "huge_space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pagemap.h"

namespace nodespawner {

HugeSpace::HugeSpace(size_t size) : reserved_size_(size + kHugePage) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  reserved_ = mmap(nullptr, reserved_size_, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (reserved_ == MAP_FAILED) return;
  const uintptr_t start = RoundUpToHuge(reinterpret_cast<uintptr_t>(reserved_));
  if (Populate(start, size)) start_ = reinterpret_cast<char*>(start);
}

// Huge pages are only there to be written to. It ends with the first that isn't one: where memory is limited, small
// pages could be what it takes for the kernel to kill somebody.
bool HugeSpace::Populate(uintptr_t start, size_t size) {
  if (madvise(reinterpret_cast<void*>(start), size, MADV_HUGEPAGE) != 0) return false;
  const Pagemap pagemap;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (uintptr_t at = start; at < start + size; at += kHugePage) {
    *reinterpret_cast<volatile char*>(at) = 0;
    uint64_t last;
    if (pagemap.Read(at + kHugePage - page, &last, 1) != 1 || !(last & kPagePresent)) return false;
  }
  return true;
}

HugeSpace::~HugeSpace() {
  if (reserved_ != MAP_FAILED) munmap(reserved_, reserved_size_);
}

void HugeSpace::Move(const char* part, size_t size, uintptr_t place) {
  void* target = reinterpret_cast<void*>(place);
  if (mremap(const_cast<char*>(part), size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target) != MAP_FAILED) return;
  const int error = errno;
  unsigned char is_resident;
  if (mincore(target, 1, &is_resident) == 0) return;
  dprintf(STDERR_FILENO, "nodespawner: the zygote ends: mremap: %s (errno %d)\n", strerror(error), error);
  _exit(1);
}

}  // namespace nodespawner
