// What was read of a pipe so far, in memory that is never copied as a whole: a child may have written a lot, and the
// event loop waits.
#pragma once

#include <napi.h>
#include <stddef.h>

namespace nodespawner {

class Gathered {
 public:
  Gathered() = default;
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;
  ~Gathered();

  size_t size() const { return size_; }

  // False where no memory is to be had.
  bool Append(const char* bytes, size_t count);

  // As a Buffer, which has the memory from then on. Null where that can't be made.
  napi_value Take(napi_env env);

 private:
  bool Grow(size_t capacity);

  char* bytes_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;  // from kMapped on it is a mapping
};

}  // namespace nodespawner
