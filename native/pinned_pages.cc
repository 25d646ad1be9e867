#include "pinned_pages.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "proc.h"
#include "syscalls.h"

namespace nodespawner {
namespace {

// What one ring takes (IORING_MAX_REG_BUFFERS).
constexpr size_t kMostBuffers = 1 << 14;

// The parts of the ranges that are memory of these mappings.
std::vector<iovec> PartsOf(const std::vector<PageRange>& ranges, const std::vector<Mapping>& mappings) {
  std::vector<iovec> parts;
  auto mapping = mappings.begin();
  for (auto range = ranges.begin(); range != ranges.end() && mapping != mappings.end();) {
    const uintptr_t start = std::max(range->start, mapping->start), end = std::min(range->end, mapping->end);
    if (start < end && mapping->writable) parts.push_back({reinterpret_cast<void*>(start), end - start});
    if (range->end < mapping->end)
      range++;
    else
      mapping++;
  }
  return parts;
}

// Returns 0 or an errno.
int Register(int ring_fd, const std::vector<iovec>& buffers) {
  if (buffers.empty()) return ENODATA;
  if (buffers.size() > kMostBuffers) return E2BIG;
  const auto count = static_cast<unsigned>(buffers.size());
  return sys_io_uring_register(ring_fd, IORING_REGISTER_BUFFERS, buffers.data(), count) == 0 ? 0 : errno;
}

}  // namespace

std::optional<Failure> PinPages(int ring_fd, const std::vector<PageRange>& ranges) {
  uint64_t no_ring;
  if (read(ring_fd, &no_ring, sizeof no_ring) == sizeof no_ring) {
    return Failure::Errno("io_uring_setup", static_cast<int>(no_ring));
  }
  std::vector<Mapping> mappings = ReadMappings();
  int error = Register(ring_fd, PartsOf(ranges, mappings));
  if (error == EOPNOTSUPP) {
    // Before Linux 6.5: none of a file's, not even a private copy.
    const auto is_of_file = [](const Mapping& mapping) { return !mapping.path.empty() && mapping.path[0] == '/'; };
    mappings.erase(std::remove_if(mappings.begin(), mappings.end(), is_of_file), mappings.end());
    error = Register(ring_fd, PartsOf(ranges, mappings));
  }
  if (error) return Failure::Errno("io_uring_register", error);
  return std::nullopt;
}

}  // namespace nodespawner
