/* What is used again rests as long as it can: whatever one child could still do to it, or learn by it, is long ago when
 * the next has it. */
#pragma once

#include <string.h>

static inline int take_at(int *items, int *count, int index) {
  const int taken = items[index];
  *count -= 1;
  memmove(items + index, items + index + 1, sizeof *items * (size_t)(*count - index));
  return taken;
}

/* Takes out what was put at the end of an array first. -1 if there is nothing. */
static inline int take_oldest(int *items, int *count) { return *count == 0 ? -1 : take_at(items, count, 0); }
