// The code of node in huge pages, where the machine has any (transparent huge pages, for madvise(2)). A clone shares
// these as a whole; of small pages each child maps thousands, a few at each fault, and the kernel unmaps them when it
// ends.
#pragma once

namespace nodespawner {

// In the zygote, once all other threads are parked: nobody else runs that code. Where there are no huge pages, or not
// enough, all stays as it is. Like node's own --use-largepages, which copies the code twice, into small pages first,
// and which not all builds have.
void PutCodeInHugePages();

}  // namespace nodespawner
