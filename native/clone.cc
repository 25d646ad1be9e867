#include "clone.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <vector>

#include "launcher/clone.h"
#include "libc_thread.h"
#include "proc.h"
#include "syscalls.h"

namespace nodespawner {
namespace {

struct Range {
  uintptr_t start, end;
};
std::vector<Range> g_ranges;  // all addresses but those of special mappings
pid_t* g_main_tid = nullptr;  // where libc keeps the id of the cloning thread

// Node asks V8 to keep its pages out of forked children (MADV_DONTFORK). Marked again before each clone, since what was
// mapped since the last one has the mark anew. One call covers a whole range; unmapped holes in it end as ENOMEM, after
// everything else was done.
const char* MarkForCopying() {
  for (const Range& range : g_ranges) {
    void* start = reinterpret_cast<void*>(range.start);
    if (madvise(start, range.end - range.start, MADV_DOFORK) != 0 && errno != ENOMEM) return "madvise(MADV_DOFORK)";
  }
  return nullptr;
}

}  // namespace

std::optional<Failure> PrepareClone() {
  const ptrdiff_t offset = TidOffset();
  if (offset < 0) return Failure::Code("ERR_LIBC_UNSUPPORTED", "this libc does not say where it keeps thread ids");
  g_main_tid = reinterpret_cast<pid_t*>(reinterpret_cast<char*>(pthread_self()) + offset);

  const auto special = ReadSpecialMappings();
  if (!special) return Failure::Errno("open(/proc/self/smaps)", errno, "it tells which memory can be copied");
  constexpr uintptr_t kFirst = 0x1000, kLast = (uintptr_t{1} << 47) - 0x1000;
  uintptr_t start = kFirst;
  for (const Mapping& mapping : *special) {
    if (mapping.start > start) g_ranges.push_back({start, mapping.start});
    start = mapping.end;
  }
  if (start < kLast) g_ranges.push_back({start, kLast});
  errno = 0;
  if (const char* step = MarkForCopying()) return Failure::Errno(step, errno);
  return std::nullopt;
}

pid_t* MainTid() { return g_main_tid; }

CloneResult CloneProcess(int stub_pidfd, int group) {
  // The next process that we clone is put into the stub's PID namespace (setns(2)); we stay where we are.
  if (stub_pidfd >= 0 && setns(stub_pidfd, CLONE_NEWPID) != 0) return {-1, -1, "setns(CLONE_NEWPID)", errno};
  if (const char* step = MarkForCopying()) return {-1, -1, step, errno};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = clone_process_into(&group, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, nullptr, g_main_tid);
  if (pid == 0) return {0, group, nullptr, 0};
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {pid < 0 ? -1 : pid, group, pid < 0 ? "clone" : nullptr, error};
}

}  // namespace nodespawner
