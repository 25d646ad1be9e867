#include "huge_code.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "proc.h"

namespace nodespawner {
namespace {

constexpr uintptr_t kHugePage = uintptr_t{2} << 20;

// The largest mapping of the program's own code. Empty where there is none.
Mapping FindCode() {
  char program[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program);
  const std::string path(program, length > 0 ? static_cast<size_t>(length) : 0);
  Mapping code = {};
  for (const Mapping& mapping : ReadMappings()) {
    if (!mapping.executable || mapping.writable || mapping.path.empty() || mapping.path != path) continue;
    if (mapping.end - mapping.start > code.end - code.start) code = mapping;
  }
  return code;
}

uintptr_t RoundUp(uintptr_t address) { return (address + kHugePage - 1) & ~(kHugePage - 1); }

// Whether all of it is in huge pages now, which is only there to be written to.
bool PopulateHuge(char* start, size_t size) {
  if (madvise(start, size, MADV_HUGEPAGE) != 0) return false;
  for (size_t at = 0; at < size; at += kHugePage) *static_cast<volatile char*>(start + at) = 0;
  return HugePageBytes(reinterpret_cast<uintptr_t>(start)) >= size;
}

}  // namespace

void PutCodeInHugePages() {
  const Mapping code = FindCode();
  const uintptr_t start = RoundUp(code.start), end = code.end & ~(kHugePage - 1);
  if (start >= end) return;
  const size_t size = end - start, reserved = size + kHugePage;
  void* space = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return;
  char* copy = reinterpret_cast<char*>(RoundUp(reinterpret_cast<uintptr_t>(space)));
  if (PopulateHuge(copy, size)) {
    void* place = reinterpret_cast<void*>(start);
    memcpy(copy, place, size);
    // SECURITY: at no time can it be written to and executed. In one step the copy takes the place of the original;
    // where that is refused, nothing has changed.
    if (mprotect(copy, size, PROT_READ | PROT_EXEC) == 0) {
      mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    }
  }
  munmap(space, reserved);  // what is left of it
}

}  // namespace nodespawner
