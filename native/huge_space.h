// Fresh memory in transparent huge pages (Documentation/admin-guide/mm/transhuge.rst), from which parts are moved to
// the places where they are wanted.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace nodespawner {

constexpr uintptr_t kHugePage = uintptr_t{2} << 20;

constexpr uintptr_t RoundDownToHuge(uintptr_t address) { return address & ~(kHugePage - 1); }
constexpr uintptr_t RoundUpToHuge(uintptr_t address) { return RoundDownToHuge(address + kHugePage - 1); }

class HugeSpace {
 public:
  // Whole huge pages.
  explicit HugeSpace(size_t size);
  HugeSpace(const HugeSpace&) = delete;
  HugeSpace& operator=(const HugeSpace&) = delete;
  ~HugeSpace();  // unmaps what has not been moved

  // Null where there are no huge pages for madvise(2), or not enough.
  char* start() const { return start_; }

  // Puts a part in the place of what is mapped there. Where that is refused, nothing has changed. What is mapped there
  // is gone, though, when the kernel finds that it has no memory for the rest: then it ends the process.
  void Move(const char* part, size_t size, uintptr_t place);

 private:
  bool Populate(uintptr_t start, size_t size);

  void* reserved_;
  size_t reserved_size_;
  char* start_ = nullptr;
};

}  // namespace nodespawner
