#include "large_folios.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "all_signals_blocked.h"
#include "huge_space.h"
#include "pagemap.h"
#include "proc.h"

namespace nodespawner {
namespace {

constexpr uintptr_t kPage = 4096;

// A mapping of less is not worth it, nor one that is mostly empty: in a huge page there is memory for all of it.
constexpr size_t kLeastBytes = 32 * kPage;
// All of them together: so much memory is there twice for a moment, and nobody is served meanwhile (2 ms a MB).
constexpr size_t kMostBytes = size_t{32} << 20;

bool IsWorthIt(const Memory& memory) {
  return memory.resident >= kLeastBytes && memory.resident * 2 >= memory.end - memory.start;
}

std::vector<Memory> FindPieces(size_t* size) {
  std::vector<Memory> pieces;
  *size = 0;
  for (const Memory& memory : ReadOrdinaryMemory()) {
    const size_t bytes = memory.end - memory.start;
    if (!IsWorthIt(memory) || *size + bytes > kMostBytes) continue;
    pieces.push_back(memory);
    *size += bytes;
  }
  return pieces;
}

// Entries of /proc/self/pagemap, in memory that nothing else is in.
class Entries {
 public:
  explicit Entries(size_t count) : size_(count * sizeof(uint64_t)) {
    void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) entries_ = static_cast<uint64_t*>(memory);
  }
  Entries(const Entries&) = delete;
  Entries& operator=(const Entries&) = delete;
  ~Entries() {
    if (entries_) munmap(entries_, size_);
  }

  uint64_t* get() const { return entries_; }

 private:
  size_t size_;
  uint64_t* entries_ = nullptr;
};

char* AddressOf(uintptr_t page) { return reinterpret_cast<char*>(page); }

size_t PagesOf(const Memory& piece) { return (piece.end - piece.start) / kPage; }

// What is swapped out, or marked by the kernel as if it were, such as guard pages, can't be told from the entry.
bool IsAllThere(const Memory& piece, const uint64_t* entries) {
  return std::none_of(entries, entries + PagesOf(piece),
                      [](uint64_t entry) { return (entry & (kPagePresent | kPageSwapped)) == kPageSwapped; });
}

// Maps memory for just those pages that have any. What lies between them stays with the folio, until the kernel is
// short of memory and splits it.
void MoveTo(const Memory& piece, const uint64_t* entries, HugeSpace* space, char* copy) {
  const size_t pages = PagesOf(piece);
  for (size_t i = 0; i < pages; i++) {
    if (entries[i] & kPagePresent) memcpy(copy + i * kPage, AddressOf(piece.start + i * kPage), kPage);
  }
  space->Move(copy, piece.end - piece.start, piece.start);
  for (size_t i = 0; i < pages; i++) {
    if (!(entries[i] & kPagePresent)) madvise(AddressOf(piece.start + i * kPage), kPage, MADV_DONTNEED);
  }
}

// Gives a page memory of its own, with the same in it.
void Renew(uintptr_t page) {
  char content[kPage];
  memcpy(content, AddressOf(page), kPage);
  if (madvise(AddressOf(page), kPage, MADV_DONTNEED) == 0) memcpy(AddressOf(page), content, kPage);
}

}  // namespace

void PutMemoryInLargeFolios(const std::vector<PageRange>& written) {
  // Kernels for aarch64 may have larger ones, of which the pagemap has an entry each.
  if (static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)) != kPage) return;
  size_t size;
  const std::vector<Memory> pieces = FindPieces(&size);
  if (pieces.empty()) return;
  HugeSpace space(RoundUpToHuge(size));
  const Entries entries(size / kPage);
  const Pagemap pagemap;
  if (!space.start() || !entries.get()) return;
  // So that the kernel doesn't make huge pages of it again.
  if (madvise(space.start(), RoundUpToHuge(size), MADV_NOHUGEPAGE) != 0) return;

  // Until the end nothing may be allocated, or written to but the stack and the entries: it could be in a piece, and be
  // lost.
  const AllSignalsBlocked blocked;
  size_t at = 0;
  for (const Memory& piece : pieces) {
    const size_t pages = PagesOf(piece);
    if (pagemap.Read(piece.start, entries.get() + at, pages) != pages) return;
    at += pages;
  }
  at = 0;
  for (const Memory& piece : pieces) {
    const uint64_t* of_piece = entries.get() + at;
    if (IsAllThere(piece, of_piece)) MoveTo(piece, of_piece, &space, space.start() + at * kPage);
    at += PagesOf(piece);
  }
  for (const PageRange& range : written) {
    for (const Memory& piece : pieces) {
      const uintptr_t start = std::max(range.start, piece.start), end = std::min(range.end, piece.end);
      for (uintptr_t page = start; page < end; page += kPage) Renew(page);
    }
  }
}

}  // namespace nodespawner
