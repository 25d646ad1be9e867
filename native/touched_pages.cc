#include "touched_pages.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "pagemap.h"
#include "proc.h"

namespace nodespawner {
namespace {

// A page that is still as the process that was cloned has it is mapped by both.
bool IsWritten(uint64_t entry) {
  return (entry & (kPagePresent | kPageFileOrShared | kPageExclusive)) == (kPagePresent | kPageExclusive);
}

// Of a file that is mapped for reading a clone has no pages, until it reads them; the kernel maps some around them,
// too.
bool IsRead(uint64_t entry) {
  return (entry & (kPagePresent | kPageFileOrShared)) == (kPagePresent | kPageFileOrShared);
}

bool IsData(const Mapping& mapping) {
  return mapping.readable && !mapping.executable && !mapping.path.empty() && mapping.path[0] == '/';
}

void Append(std::vector<PageRange>* ranges, uintptr_t start, uintptr_t end) {
  if (!ranges->empty() && ranges->back().end == start) {
    ranges->back().end = end;
  } else {
    ranges->push_back({start, end});
  }
}

}  // namespace

void ReportTouchedPages(int fd) {
  const Pagemap pagemap;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  std::vector<PageRange> ranges;
  uint64_t entries[512];
  for (const Mapping& mapping : ReadMappings()) {
    if (!mapping.writable && !IsData(mapping)) continue;
    const auto is_touched = mapping.writable ? IsWritten : IsRead;
    for (uintptr_t at = mapping.start; at < mapping.end;) {
      const size_t count = pagemap.Read(at, entries, std::min(std::size(entries), (mapping.end - at) / page));
      if (count == 0) break;
      for (size_t i = 0; i < count; i++, at += page) {
        if (is_touched(entries[i])) Append(&ranges, at, at + page);
      }
    }
  }
  const char* bytes = reinterpret_cast<const char*>(ranges.data());
  for (size_t left = ranges.size() * sizeof(PageRange); left > 0;) {
    const ssize_t written = write(fd, bytes, left);
    if (written <= 0) return;
    bytes += written;
    left -= static_cast<size_t>(written);
  }
}

}  // namespace nodespawner
