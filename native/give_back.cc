#include "give_back.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

namespace nodespawner {

namespace {

// Below, it takes no longer than a thread does.
constexpr size_t kLargeBytes = size_t{16} * 1024 * 1024;
constexpr size_t kBlockBytes = 512;

struct Memory {
  void* address;
  size_t length;
  int memfd;
};

void Release(const Memory& memory) {
  if (memory.address != nullptr) munmap(memory.address, memory.length);
  if (memory.memfd >= 0) close(memory.memfd);
}

void* Run(void* argument) {
  const std::unique_ptr<Memory> memory(static_cast<Memory*>(argument));
  Release(*memory);
  return nullptr;
}

void ReleaseElsewhere(const Memory& memory) {
  auto argument = std::make_unique<Memory>(memory);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, Run, argument.get()) != 0) return Release(memory);
  pthread_detach(thread);
  static_cast<void>(argument.release());
}

}  // namespace

void GiveBack(void* address, size_t length) {
  const Memory memory = {address, length, -1};
  if (length < kLargeBytes) return Release(memory);
  ReleaseElsewhere(memory);
}

void GiveBack(int memfd) {
  const Memory memory = {nullptr, 0, memfd};
  struct stat status = {};
  const bool is_large =
      fstat(memfd, &status) == 0 && static_cast<size_t>(status.st_blocks) * kBlockBytes >= kLargeBytes;
  if (!is_large) return Release(memory);
  ReleaseElsewhere(memory);
}

}  // namespace nodespawner
