// Which pages of its memory a process has used since it was cloned, as the kernel's page tables tell: those that it has
// written to, and those of files' read-only data that it has read.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace nodespawner {

struct PageRange {
  uintptr_t start, end;  // addresses
};

// Writes them to a descriptor, ascending, as an array of PageRange. Which of both they are the mapping tells. Nothing
// where /proc/self/pagemap can't be read. It allocates.
void ReportTouchedPages(int fd);

}  // namespace nodespawner
