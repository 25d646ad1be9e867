#include "thread_starts.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "all_signals_blocked.h"
#include "fd_table.h"
#include "preload/wake.h"
#include "syscalls.h"

namespace nodespawner {

ParkedThread g_threads[kMaxThreads];
std::atomic<size_t> g_thread_count{0};

namespace {

wake_hooks* g_hooks = nullptr;  // of the preloaded library, if it is there
const void* (*g_waits_on)() = nullptr;
bool g_is_child = false;  // which has the runtime's threads, as a copy of it by fork(2) has not

// As if the call that it would go back to had returned.
void FinishSystemCall(ucontext_t* context, long result) {
#if defined(__x86_64__)
  context->uc_mcontext.gregs[REG_RAX] = result;
  context->uc_mcontext.gregs[REG_RIP] += 2;
#else
  context->uc_mcontext.regs[0] = static_cast<uint64_t>(result);
  context->uc_mcontext.pc += 4;
#endif
}

// Returns the id of a new kernel thread, or -errno.
long StartThread(const ParkedThread& thread) {
  constexpr unsigned long kFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                                   CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  return nodespawner_start_thread(kFlags, &thread.context, thread.libc_tid, thread.libc_tid, thread.thread_pointer);
}

// Whether it is for the caller to start it, and for nobody else. `was` is what it was before.
bool Claim(ParkedThread& thread, Start* was) {
  *was = Start::kLater;
  return thread.start.compare_exchange_strong(*was, Start::kBegun);
}

// Whether it is there, by whomever. Not while somebody else starts it, who may fail.
bool StartOnce(ParkedThread& thread) {
  Start was;
  if (!Claim(thread, &was)) return was == Start::kDone;
  const bool is_started = StartThread(thread) >= 0;
  thread.start.store(is_started ? Start::kDone : Start::kLater);
  return is_started;
}

// How long who wakes a thread waits for room in the limit of tasks, in milliseconds.
constexpr int kMostMs = 1000;

// In a child, by who is about to wake it. That wake-up is not lost: it finds what it waits for as it is then. False if
// it is there, or somebody else does this.
bool StartNow(ParkedThread& thread) {
  Start was;
  if (!Claim(thread, &was)) return false;
  const int saved_errno = errno;
  // As in the handler in which the threads go on that are started meanwhile.
  const AllSignalsBlocked blocked;
  for (int ms = 0; StartThread(thread) < 0; ms++) {
    // What it is woken for would be waited for in vain.
    if (ms == kMostMs) abort();
    sleep_ms(1);
  }
  thread.start.store(Start::kDone);
  errno = saved_errno;
  return true;
}

// One more for each signal, until all are there: whoever has been signaled libc takes for woken, and waits until it has
// gone on. A condition variable has two groups of waiters, each with a word of its own, and who is signaled is in one
// of them.
void OnSignal(const void* condition, int is_broadcast) {
  if (!g_is_child) return;
  const int* started[2] = {};
  const size_t count = g_thread_count.load();
  for (size_t i = 0; i < count; i++) {
    ParkedThread& thread = g_threads[i];
    if (!thread.is_late || thread.condition != condition) continue;
    const int* const word = thread.wait.word;
    if (!is_broadcast && (word == started[0] || word == started[1])) continue;
    if (StartNow(thread)) started[started[0] ? 1 : 0] = word;
  }
}

void OnWrite(int fd) {
  if (!g_is_child) return;
  const size_t count = g_thread_count.load();
  for (size_t i = 0; i < count; i++) {
    ParkedThread& thread = g_threads[i];
    if (thread.is_late && !thread.condition && IsWokenByWriteTo(thread.epoll_fd, fd)) StartNow(thread);
  }
}

// Whether nobody can wake it but by what the hooks tell of.
bool IsWokenByHooks(const ParkedThread& thread) {
  const auto* word = reinterpret_cast<const char*>(thread.wait.word);
  const auto* condition = static_cast<const char*>(thread.condition);
  if (word && condition) return word >= condition && word < condition + sizeof(pthread_cond_t);
  return thread.epoll_fd >= 0 && IsWokenByWritesAlone(thread.epoll_fd);
}

// Before fork(2) in a child: processes may be as many as the limit of tasks allows, and it may be for work in a thread
// that the one waits who would reap them.
void StartRest() {
  if (!g_is_child) return;
  const AllSignalsBlocked blocked;
  const size_t count = g_thread_count.load();
  for (size_t i = 0; i < count; i++) {
    if (g_threads[i].parked.load()) StartOnce(g_threads[i]);
  }
}

}  // namespace

std::optional<Failure> PrepareStarts() {
  g_hooks = static_cast<wake_hooks*>(dlsym(RTLD_DEFAULT, "nodespawner_wake_hooks"));
  g_waits_on = reinterpret_cast<decltype(g_waits_on)>(dlsym(RTLD_DEFAULT, "nodespawner_waits_on"));
  static const int registered = pthread_atfork(StartRest, nullptr, [] { g_is_child = false; });
  if (registered != 0) return Failure::Errno("pthread_atfork", registered);
  return std::nullopt;
}

const void* ConditionWaitedOn() { return g_waits_on ? g_waits_on() : nullptr; }

void PlanStarts() {
  const size_t count = g_thread_count.load();
  for (size_t i = 0; i < count; i++) {
    ParkedThread& thread = g_threads[i];
    thread.is_late = false;
    if (!thread.parked.load()) continue;
    thread.is_late = g_hooks && IsWokenByHooks(thread);
    for (size_t j = i; j-- > 0 && thread.is_first && !thread.is_late && thread.wait.word;) {
      ParkedThread& before = g_threads[j];
      if (!before.parked.load() || before.wait.word != thread.wait.word) continue;
      before.next = i;
      thread.is_first = false;
    }
    if (thread.is_first && !thread.is_late) continue;
    thread.start.store(Start::kLater);
    ForgetTid(thread.libc_tid, thread.tid);
  }
  // Which does nothing but in a child.
  if (g_hooks) *g_hooks = {OnSignal, OnWrite};
}

int StartThreads() {
  g_is_child = true;
  const size_t count = g_thread_count.load();
  for (size_t i = 0; i < count; i++) {
    const ParkedThread& thread = g_threads[i];
    // It has ended since, or is started by another.
    if (!thread.parked.load() || !thread.is_first || thread.is_late) continue;
    const long tid = StartThread(thread);
    if (tid < 0) return static_cast<int>(-tid);
  }
  return 0;
}

void WaitForChain(const ParkedThread& self, ucontext_t* context) {
  const FutexWait& wait = self.wait;
  const long result = syscall(SYS_futex, wait.word, wait.operation, wait.value, nullptr, nullptr, wait.bitset);
  const long error = result < 0 ? -errno : 0;
  // No thread more than the limit of tasks allows: some will end. Who joins the one that is missing would wait for
  // ever.
  while (!StartOnce(g_threads[self.next])) sleep_ms(1);
  FinishSystemCall(context, error ? error : result);
}

}  // namespace nodespawner
