// The code of node, and what children read of its data, in huge pages, where the machine has any (transparent huge
// pages, for madvise(2)). A clone shares these as a whole; of small pages each child maps thousands, a few at each
// fault, and the kernel unmaps them when it ends.
#pragma once

#include <vector>

#include "touched_pages.h"

namespace nodespawner {

// In the zygote, once all other threads are parked: nobody else runs that code. Where there are no huge pages, or not
// enough, all stays as it is. Like node's own --use-largepages, which copies the code twice, into small pages first,
// and which not all builds have.
void PutCodeInHugePages();

// The same for its read-only data: 2 MB each that have any of these pages.
void PutDataInHugePages(const std::vector<PageRange>& read);

}  // namespace nodespawner
