#include "huge_program.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "huge_space.h"
#include "proc.h"

namespace nodespawner {
namespace {

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

// Whether any of the ranges, which are ascending, has a part of the huge page.
bool HasAny(const std::vector<PageRange>& ranges, uintptr_t page) {
  const auto ends_before = [](const PageRange& range, uintptr_t address) { return range.end <= address; };
  const auto found = std::lower_bound(ranges.begin(), ranges.end(), page, ends_before);
  return found != ranges.end() && found->start < page + kHugePage;
}

// Puts a copy in huge pages in the place of what is there: whole ones.
void PutInHugePages(uintptr_t start, size_t size, int protection) {
  HugeSpace copy(size);
  if (!copy.start()) return;
  memcpy(copy.start(), reinterpret_cast<void*>(start), size);
  // SECURITY: at no time can it be written to and executed.
  if (mprotect(copy.start(), size, protection) == 0) copy.Move(copy.start(), size, start);
}

}  // namespace

void PutCodeInHugePages() {
  const Mapping code = FindCode();
  const uintptr_t start = RoundUpToHuge(code.start), end = RoundDownToHuge(code.end);
  if (start < end) PutInHugePages(start, end - start, PROT_READ | PROT_EXEC);
}

void PutDataInHugePages(const std::vector<PageRange>& read) {
  for (const Mapping& mapping : ProgramMappings()) {
    if (mapping.executable) continue;
    const uintptr_t end = RoundDownToHuge(mapping.end);
    // Next to each other they are one mapping.
    for (uintptr_t start = RoundUpToHuge(mapping.start), at = start; at <= end; at += kHugePage) {
      if (at < end && HasAny(read, at)) continue;
      if (start < at) PutInHugePages(start, at - start, PROT_READ);
      start = at + kHugePage;
    }
  }
}

}  // namespace nodespawner
