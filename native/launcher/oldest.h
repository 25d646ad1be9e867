/* What is used again rests as long as it can: whatever one child could still do to it, or learn by it, is long ago when
 * the next has it. */
#pragma once

#include <string.h>

/* Takes out what was put at the end of an array first. -1 if there is nothing. */
static inline int take_oldest(int *items, int *count) {
  if (*count == 0) return -1;
  const int oldest = items[0];
  *count -= 1;
  memmove(items, items + 1, sizeof *items * (size_t)*count);
  return oldest;
}
