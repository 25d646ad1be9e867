#include "huge_space.h"

#include <sys/mman.h>

#include "proc.h"

namespace nodespawner {

HugeSpace::HugeSpace(size_t size) : reserved_size_(size + kHugePage) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  reserved_ = mmap(nullptr, reserved_size_, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (reserved_ == MAP_FAILED) return;
  const uintptr_t address = RoundUpToHuge(reinterpret_cast<uintptr_t>(reserved_));
  char* start = reinterpret_cast<char*>(address);
  if (madvise(start, size, MADV_HUGEPAGE) != 0) return;
  // They are only there to be written to.
  for (size_t at = 0; at < size; at += kHugePage) *static_cast<volatile char*>(start + at) = 0;
  if (HugePageBytes(address) >= size) start_ = start;
}

HugeSpace::~HugeSpace() {
  if (reserved_ != MAP_FAILED) munmap(reserved_, reserved_size_);
}

void HugeSpace::Move(const char* part, size_t size, uintptr_t place) {
  mremap(const_cast<char*>(part), size, size, MREMAP_MAYMOVE | MREMAP_FIXED, reinterpret_cast<void*>(place));
}

}  // namespace nodespawner
