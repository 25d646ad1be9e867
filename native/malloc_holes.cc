#include "malloc_holes.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

namespace nodespawner {
namespace {

// What malloc(3) has at the end of the heap after malloc_trim(3) is less.
constexpr uintptr_t kEndBytes = 8192;
// Of the sizes that it hands out: up to kSmall each has a list of free pieces, and beyond there are few.
constexpr size_t kLarge = size_t{64} * 1024, kSmall = 1024, kStep = 16, kOverhead = sizeof(size_t);

void TakeAllBelow(uintptr_t end, size_t size) {
  for (;;) {
    void* volatile piece = malloc(size - kOverhead);  // which compilers would leave out
    if (piece && reinterpret_cast<uintptr_t>(piece) < end) continue;
    free(piece);
    return;
  }
}

}  // namespace

void FillHoles() {
  const uintptr_t end = reinterpret_cast<uintptr_t>(sbrk(0)) - kEndBytes;
  for (size_t size = kLarge; size > kSmall; size /= 2) TakeAllBelow(end, size);
  for (size_t size = kSmall; size > 0; size -= kStep) TakeAllBelow(end, size);
}

}  // namespace nodespawner
