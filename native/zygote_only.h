// Memory of the zygote's of which a clone gets nothing: its pages are there, and empty (MADV_WIPEONFORK of madvise(2)).
// Given back, it is unmapped, so that what it held is nowhere either.
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <vector>

namespace nodespawner {

template <typename T>
struct ZygoteOnly {
  using value_type = T;

  ZygoteOnly() = default;
  template <typename Other>
  explicit ZygoteOnly(const ZygoteOnly<Other>&) {}

  // Ends the process where there is no memory, as an allocation in the zygote does.
  T* allocate(size_t count) {
    void* memory = mmap(nullptr, Size(count), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, Size(count), MADV_WIPEONFORK) != 0) abort();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) { munmap(memory, Size(count)); }

  template <typename Other>
  bool operator==(const ZygoteOnly<Other>&) const {
    return true;
  }
  template <typename Other>
  bool operator!=(const ZygoteOnly<Other>&) const {
    return false;
  }

 private:
  static size_t Size(size_t count) {
    constexpr size_t kPage = 4096;
    return (count * sizeof(T) + kPage - 1) / kPage * kPage;
  }
};

template <typename T>
using ZygoteOnlyVector = std::vector<T, ZygoteOnly<T>>;

}  // namespace nodespawner
