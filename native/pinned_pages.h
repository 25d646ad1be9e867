// Pages that the kernel copies at a clone, and not when the clone first writes to them: those that are pinned for
// transfers of data are never shared (pin_user_pages in the kernel's Documentation/core-api/pin_user_pages.rst). A page
// that is copied together with its page table costs a fraction of one that takes a page fault.
#pragma once

#include <optional>
#include <vector>

#include "failure.h"
#include "touched_pages.h"

namespace nodespawner {

// Pins all of them that are memory of this process, as buffers of the ring (io_uring_register(2)), for as long as the
// ring is open; what `ring_fd` may be instead is said in launcher/io_uring.h. Where that can't be none is pinned, and
// it says why: ENOMEM for more memory than may be locked (RLIMIT_MEMLOCK of getrlimit(2)), for example.
std::optional<Failure> PinPages(int ring_fd, const std::vector<PageRange>& ranges);

}  // namespace nodespawner
