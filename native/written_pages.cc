#include "written_pages.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "proc.h"
#include "unique_fd.h"

namespace nodespawner {
namespace {

constexpr uintptr_t kPage = 4096;

// Of an entry of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst).
constexpr uint64_t kPresent = uint64_t{1} << 63, kFileOrShared = uint64_t{1} << 61, kExclusive = uint64_t{1} << 56;

// A page that is still as the process that was cloned has it is mapped by both.
bool IsWritten(uint64_t entry) { return (entry & (kPresent | kFileOrShared | kExclusive)) == (kPresent | kExclusive); }

void Append(std::vector<PageRange>* ranges, uintptr_t page) {
  if (!ranges->empty() && ranges->back().end == page) {
    ranges->back().end += kPage;
  } else {
    ranges->push_back({page, page + kPage});
  }
}

}  // namespace

void ReportWrittenPages(int fd) {
  const UniqueFd pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) return;
  std::vector<PageRange> ranges;
  uint64_t entries[512];
  for (const Mapping& mapping : ReadMappings()) {
    if (!mapping.writable) continue;
    for (uintptr_t at = mapping.start; at < mapping.end;) {
      const size_t wanted = std::min(sizeof entries, (mapping.end - at) / kPage * sizeof *entries);
      const ssize_t got = pread(pagemap.get(), entries, wanted, static_cast<off_t>(at / kPage * sizeof *entries));
      if (got <= 0) break;
      for (size_t i = 0; i < static_cast<size_t>(got) / sizeof *entries; i++, at += kPage) {
        if (IsWritten(entries[i])) Append(&ranges, at);
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
