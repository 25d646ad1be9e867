#include "huge_code.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "proc.h"

namespace nodespawner {
namespace {

constexpr uintptr_t kHugePage = uintptr_t{2} << 20;

// The mappings of the program's own file that can only be read, or executed.
std::vector<Mapping> ProgramMappings() {
  char program[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program);
  const std::string path(program, length > 0 ? static_cast<size_t>(length) : 0);
  std::vector<Mapping> mappings = ReadMappings();
  const auto is_other = [&](const Mapping& mapping) {
    return mapping.writable || !mapping.readable || mapping.path.empty() || mapping.path != path;
  };
  mappings.erase(std::remove_if(mappings.begin(), mappings.end(), is_other), mappings.end());
  return mappings;
}

// The largest one of code. Empty where there is none.
Mapping FindCode() {
  Mapping code = {};
  for (const Mapping& mapping : ProgramMappings()) {
    if (mapping.executable && mapping.end - mapping.start > code.end - code.start) code = mapping;
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

// Whether any of the ranges, which are ascending, has a part of the huge page.
bool HasAny(const std::vector<PageRange>& ranges, uintptr_t page) {
  const auto ends_before = [](const PageRange& range, uintptr_t address) { return range.end <= address; };
  const auto found = std::lower_bound(ranges.begin(), ranges.end(), page, ends_before);
  return found != ranges.end() && found->start < page + kHugePage;
}

// Puts a copy in huge pages in the place of what is there: whole ones.
void PutInHugePages(uintptr_t start, size_t size, int protection) {
  const size_t reserved = size + kHugePage;
  void* space = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return;
  char* copy = reinterpret_cast<char*>(RoundUp(reinterpret_cast<uintptr_t>(space)));
  if (PopulateHuge(copy, size)) {
    void* place = reinterpret_cast<void*>(start);
    memcpy(copy, place, size);
    // SECURITY: at no time can it be written to and executed. In one step the copy takes the place of the original;
    // where that is refused, nothing has changed.
    if (mprotect(copy, size, protection) == 0) mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  }
  munmap(space, reserved);  // what is left of it
}

}  // namespace

void PutCodeInHugePages() {
  const Mapping code = FindCode();
  const uintptr_t start = RoundUp(code.start), end = code.end & ~(kHugePage - 1);
  if (start < end) PutInHugePages(start, end - start, PROT_READ | PROT_EXEC);
}

void PutDataInHugePages(const std::vector<PageRange>& read) {
  for (const Mapping& mapping : ProgramMappings()) {
    if (mapping.executable) continue;
    const uintptr_t end = mapping.end & ~(kHugePage - 1);
    // Next to each other they are one mapping.
    for (uintptr_t start = RoundUp(mapping.start), at = start; at <= end; at += kHugePage) {
      if (at < end && HasAny(read, at)) continue;
      if (start < at) PutInHugePages(start, at - start, PROT_READ);
      start = at + kHugePage;
    }
  }
}

}  // namespace nodespawner
