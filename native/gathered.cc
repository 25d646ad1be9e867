#include "gathered.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>

namespace nodespawner {
namespace {

constexpr size_t kLeast = 4096;
// From here on memory is mapped, which the kernel moves without copying it.
constexpr size_t kMapped = 1 << 20;

void Free(char* bytes, size_t capacity) {
  if (capacity >= kMapped) {
    munmap(bytes, capacity);
  } else {
    free(bytes);
  }
}

}  // namespace

Gathered::~Gathered() { Free(bytes_, capacity_); }

bool Gathered::Grow(size_t capacity) {
  void* grown;
  if (capacity < kMapped) {
    grown = realloc(bytes_, capacity);
    if (!grown) return false;
  } else if (capacity_ >= kMapped) {
    grown = mremap(bytes_, capacity_, capacity, MREMAP_MAYMOVE);
    if (grown == MAP_FAILED) return false;
  } else {
    grown = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (grown == MAP_FAILED) return false;
    if (size_) memcpy(grown, bytes_, size_);
    free(bytes_);
  }
  bytes_ = static_cast<char*>(grown);
  capacity_ = capacity;
  return true;
}

bool Gathered::Append(const char* bytes, size_t count) {
  if (count == 0) return true;
  size_t capacity = std::max(capacity_, kLeast);
  while (capacity - size_ < count) capacity *= 2;
  if (capacity > capacity_ && !Grow(capacity)) return false;
  memcpy(bytes_ + size_, bytes, count);
  size_ += count;
  return true;
}

napi_value Gathered::Take(napi_env env) {
  napi_value buffer;
  if (capacity_ < kMapped) {
    return napi_create_buffer_copy(env, size_, bytes_, nullptr, &buffer) == napi_ok ? buffer : nullptr;
  }
  const auto release = [](napi_env, void* data, void* hint) {
    Free(static_cast<char*>(data), reinterpret_cast<size_t>(hint));
  };
  if (napi_create_external_buffer(env, size_, bytes_, release, reinterpret_cast<void*>(capacity_), &buffer) !=
      napi_ok) {
    return nullptr;
  }
  bytes_ = nullptr;
  size_ = capacity_ = 0;
  return buffer;
}

}  // namespace nodespawner
