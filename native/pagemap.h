// /proc/self/pagemap: an entry for each page of the address space (Documentation/admin-guide/mm/pagemap.rst).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "unique_fd.h"

namespace nodespawner {

constexpr uint64_t kPagePresent = uint64_t{1} << 63, kPageSwapped = uint64_t{1} << 62,
                   kPageFileOrShared = uint64_t{1} << 61, kPageExclusive = uint64_t{1} << 56;

class Pagemap {
 public:
  Pagemap();

  // The entries of pages from an address on; how many there were. 0 where it can't be read.
  size_t Read(uintptr_t address, uint64_t* entries, size_t count) const;

 private:
  UniqueFd file_;
  uintptr_t page_;  // bytes
};

}  // namespace nodespawner
