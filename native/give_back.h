// Gives memory back to the kernel, which takes it some 100 ms for 1 GB: what is large, on a thread of its own.
#pragma once

#include <stddef.h>

namespace nodespawner {

// munmap(2)
void GiveBack(void* address, size_t length);

// close(2) of a memfd, with which its memory goes unless it is mapped
void GiveBack(int memfd);

}  // namespace nodespawner
