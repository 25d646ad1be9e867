#include "large_folios.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "huge_space.h"
#include "proc.h"
#include "unique_fd.h"

namespace nodespawner {
namespace {

constexpr uintptr_t kPage = 4096;
// Of an entry of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst).
constexpr uint64_t kPresent = uint64_t{1} << 63, kSwapped = uint64_t{1} << 62;

// What is less is not worth it, nor what is mostly empty: in a huge page there is memory for all of it.
constexpr size_t kLeastBytes = 32 * kPage, kMostBytes = size_t{32} << 20;

bool IsWorthIt(const Memory& memory) {
  const size_t size = memory.end - memory.start;
  return size <= kMostBytes && memory.resident >= kLeastBytes && memory.resident * 2 >= size;
}

// The entries of /proc/self/pagemap, in memory that nothing else is in.
class Pagemap {
 public:
  explicit Pagemap(size_t pages) : size_(pages * sizeof(uint64_t)) {
    void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) entries_ = static_cast<uint64_t*>(memory);
  }
  Pagemap(const Pagemap&) = delete;
  Pagemap& operator=(const Pagemap&) = delete;
  ~Pagemap() {
    if (entries_) munmap(entries_, size_);
  }

  // It allocates nothing.
  bool Read(const std::vector<Memory>& pieces) {
    const UniqueFd file(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (!file.valid() || !entries_) return false;
    uint64_t* entries = entries_;
    for (const Memory& piece : pieces) {
      const size_t pages = (piece.end - piece.start) / kPage, wanted = pages * sizeof *entries;
      const auto offset = static_cast<off_t>(piece.start / kPage * sizeof *entries);
      if (pread(file.get(), entries, wanted, offset) != static_cast<ssize_t>(wanted)) return false;
      entries += pages;
    }
    return true;
  }

  // Whether the page, of all that were read, has any memory.
  bool HasMemory(size_t page) const { return entries_[page] & (kPresent | kSwapped); }

 private:
  size_t size_;
  uint64_t* entries_ = nullptr;
};

char* AddressOf(uintptr_t page) { return reinterpret_cast<char*>(page); }

// Gives a page memory of its own, with the same in it.
void Renew(uintptr_t page) {
  char content[kPage];
  memcpy(content, AddressOf(page), kPage);
  if (madvise(AddressOf(page), kPage, MADV_DONTNEED) == 0) memcpy(AddressOf(page), content, kPage);
}

}  // namespace

void PutMemoryInLargeFolios(const std::vector<PageRange>& written) {
  std::vector<Memory> pieces = ReadOrdinaryMemory();
  const auto is_not = [](const Memory& memory) { return !IsWorthIt(memory); };
  pieces.erase(std::remove_if(pieces.begin(), pieces.end(), is_not), pieces.end());
  size_t size = 0;
  for (const Memory& piece : pieces) size += piece.end - piece.start;
  if (size == 0) return;
  HugeSpace space(RoundUpToHuge(size));
  Pagemap pagemap(size / kPage);
  if (!space.start() || madvise(space.start(), RoundUpToHuge(size), MADV_NOHUGEPAGE) != 0) return;

  // From here on nothing is allocated, or written to but the stack: it could be in a piece, and be lost.
  if (!pagemap.Read(pieces)) return;
  char* copy = space.start();
  size_t page = 0;
  for (const Memory& piece : pieces) {
    const size_t first = page;
    for (uintptr_t at = piece.start; at < piece.end; at += kPage, page++) {
      if (pagemap.HasMemory(page)) memcpy(copy + (at - piece.start), AddressOf(at), kPage);
    }
    space.Move(copy, piece.end - piece.start, piece.start);
    copy += piece.end - piece.start;
    page = first;
    for (uintptr_t at = piece.start; at < piece.end; at += kPage, page++) {
      if (!pagemap.HasMemory(page)) madvise(AddressOf(at), kPage, MADV_DONTNEED);
    }
  }
  for (const PageRange& range : written) {
    for (const Memory& piece : pieces) {
      const uintptr_t start = std::max(range.start, piece.start), end = std::min(range.end, piece.end);
      for (uintptr_t at = start; at < end; at += kPage) Renew(at);
    }
  }
}

}  // namespace nodespawner
