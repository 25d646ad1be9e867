// Which pages of its memory a process has written to since it was cloned, as the kernel's page tables tell.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace nodespawner {

struct PageRange {
  uintptr_t start, end;  // addresses
};

// Writes them to a descriptor, ascending, as an array of PageRange. Nothing where /proc/self/pagemap can't be read. It
// allocates.
void ReportWrittenPages(int fd);

}  // namespace nodespawner
