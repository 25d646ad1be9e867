// The zygote's memory in large folios, but for the pages that children write to. Of a large folio the kernel copies and
// unmaps the entries of a page table in batches, at a clone and when it ends, and not one by one (copy_present_ptes()
// and zap_present_ptes() of its mm/memory.c, Linux 6.9 and later; before, it makes no difference). It makes them of
// itself only where the administrator says so; these are pieces of transparent huge pages.
#pragma once

#include <vector>

#include "touched_pages.h"

namespace nodespawner {

// In the zygote, once all other threads are parked, and before `written` is pinned: a folio of which any page is pinned
// is copied as a whole. Where there are no huge pages for madvise(2), or not enough, all stays as it is. What
// HugeSpace::Move ends the process for, it does here.
void PutMemoryInLargeFolios(const std::vector<PageRange>& written);

}  // namespace nodespawner
