/* mmap(2) as the zygote has it: V8's chunks of memory lie next to each other.
 *
 * V8 asks for each of its chunks, of 256 KiB, at an address drawn at random from 46 bits. So each had page tables of
 * its own on three levels, which a clone copies, the processor walks, and the end of a child takes apart. Without the
 * hint, the kernel puts the next mapping below the last one, and merges the two. Where all of that begins is still
 * random (randomize_va_space of proc(5)). */
#undef _FILE_OFFSET_BITS /* by which mmap would be another name of mmap64 */

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than a chunk is asked for where it has a reason to be, as memory for code near the code that is there. */
static const size_t kMostBytes = 16u << 20;

static void *map(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
  const int is_hint = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == 0;
  if (is_hint && (flags & MAP_ANONYMOUS) && length <= kMostBytes) address = NULL;
  return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

__attribute__((visibility("default"))) void *mmap64(void *address, size_t length, int protection, int flags, int fd,
                                                    off64_t offset) {
  return map(address, length, protection, flags, fd, offset);
}

/* Where off_t has 64 bits, programs call either. */
__attribute__((visibility("default"))) void *mmap(void *address, size_t length, int protection, int flags, int fd,
                                                  off_t offset) {
  return map(address, length, protection, flags, fd, offset);
}
