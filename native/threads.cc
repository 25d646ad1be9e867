#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "libc_thread.h"
#include "parked_thread.h"
#include "proc.h"
#include "rseq.h"
#include "syscalls.h"
#include "thread_context.h"
#include "thread_starts.h"
#include "v8_thread_id.h"

namespace nodespawner {
namespace {

// How long to wait before looking at threads again. One that has run meanwhile is seen to have.
constexpr long kLookUs = 200;

std::atomic<int> g_arrived{0};
ptrdiff_t g_tid_offset = -1;
int g_signal = 0;
pid_t g_zygote = 0;  // the id of its main thread

bool IsFutexWait(uint64_t operation) {
  // Condition variables and semaphores wait with FUTEX_WAIT_BITSET; a contended mutex waits with FUTEX_WAIT, and a
  // thread that wants a lock is not idle.
  return (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

bool IsEpollWait(long number) {
#ifdef SYS_epoll_wait
  if (number == SYS_epoll_wait) return true;
#endif
  return number == SYS_epoll_pwait || number == 441 /* epoll_pwait2 */;
}

bool IsIdle(const ThreadState& state) {
  if (!state.in_system_call) return false;
  return IsEpollWait(state.number) || (state.number == SYS_futex && IsFutexWait(state.args[1]));
}

// Of a system call that a signal interrupted.
struct InterruptedCall {
  bool restarts;  // or it returns with EINTR, and of the rest is known what `arguments` has
  long number, arguments[6];
};

// The system call from which the thread will return into that call or with EINTR, both of which waits for work take in
// their stride. Anywhere else the thread may hold a lock.
std::optional<InterruptedCall> FindInterruptedCall(const ucontext_t* context) {
#if defined(__x86_64__)
  const auto& registers = context->uc_mcontext.gregs;
  const auto* pc = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
  const long result = registers[REG_RAX];
  if (pc[0] == 0x0f && pc[1] == 0x05 && (result == SYS_futex || IsEpollWait(result))) {
    return InterruptedCall{true,
                           result,
                           {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10],
                            registers[REG_R8], registers[REG_R9]}};
  }
  if (pc[-2] != 0x0f || pc[-1] != 0x05 || result != -EINTR) return std::nullopt;
  return InterruptedCall{false,
                         -1,
                         {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10],
                          registers[REG_R8], registers[REG_R9]}};
#else
  constexpr uint32_t kSvc0 = 0xd4000001;
  const auto* registers = reinterpret_cast<const long*>(context->uc_mcontext.regs);
  const auto* pc = reinterpret_cast<const uint32_t*>(context->uc_mcontext.pc);
  const long number = registers[8];
  if (number != SYS_futex && !IsEpollWait(number)) return std::nullopt;
  if (pc[0] == kSvc0) {
    return InterruptedCall{
        true, number, {registers[0], registers[1], registers[2], registers[3], registers[4], registers[5]}};
  }
  if (pc[-1] != kSvc0 || registers[0] != -EINTR) return std::nullopt;
  // The result is in the place of the first.
  return InterruptedCall{false, number, {-1, registers[1], registers[2], registers[3], registers[4], registers[5]}};
#endif
}

// Of epoll_wait(2) and epoll_pwait(2), which return with EINTR whatever the handler was installed with.
int EpollFdOf(const InterruptedCall& call) {
  const bool has_timeout = static_cast<int>(call.arguments[3]) != -1;
  return call.restarts || has_timeout ? -1 : static_cast<int>(call.arguments[0]);
}

FutexWait WaitOf(const InterruptedCall& call) {
  const auto& arguments = call.arguments;
  const bool has_timeout = arguments[3] != 0;
  if (!call.restarts || call.number != SYS_futex || has_timeout) return {};
  if (!IsFutexWait(static_cast<uint64_t>(arguments[1]))) return {};
  return {reinterpret_cast<const int*>(arguments[0]), arguments[1], arguments[2], arguments[5]};
}

void OnParkSignal(int, siginfo_t*, void* context) {
  const int saved_errno = errno;
  const pid_t tid = sys_gettid();
  ParkedThread* self = nullptr;
  const size_t count = g_thread_count.load();
  for (size_t i = 0; i < count; i++) {
    if (g_threads[i].tid == tid) self = &g_threads[i];
  }
  const auto call = FindInterruptedCall(static_cast<ucontext_t*>(context));
  if (!self || self->parked.load() || !call) {
    errno = saved_errno;
    return;  // ParkThreads() sees that it did not arrive, and tries again
  }
  // What it will block when it goes on (sigreturn(2)).
  sigset_t* const mask = &static_cast<ucontext_t*>(context)->uc_sigmask;
  self->thread_pointer = ThreadPointer();
  self->libc_tid = reinterpret_cast<int*>(reinterpret_cast<char*>(pthread_self()) + g_tid_offset);
  self->wait = WaitOf(*call);
  self->condition = ConditionWaitedOn();
  self->epoll_fd = EpollFdOf(*call);
  self->is_first = true;
  self->is_late = false;
  self->start.store(Start::kDone);
  self->next = kNone;
  syscall(SYS_get_robust_list, 0, &self->robust_list, &self->robust_list_size);
  if (nodespawner_save_context(&self->context) == 0) {
    self->parked.store(1);
    g_arrived.fetch_add(1);
    sys_futex_wake(reinterpret_cast<const int*>(&g_arrived), 1);
    while (self->parked.load()) sys_futex_wait(reinterpret_cast<const int*>(&self->parked), 1, nullptr);
    // Released: in the zygote still. A signal that this thread took would be lost to the signalfd(2).
    if (!sigismember(mask, SIGCHLD)) {
      sigaddset(mask, SIGCHLD);
      self->is_kept_from_sigchld = true;
    }
    errno = saved_errno;
    return;
  }
  if (self->is_kept_from_sigchld) sigdelset(mask, SIGCHLD);
  // A new kernel thread in a child: give it back what the kernel keeps for each thread and does not copy.
  syscall(SYS_set_robust_list, self->robust_list, self->robust_list_size);
  RegisterRseq();
  RenewV8ThreadId(self->tid);
  // It would be let in where another thread is.
  if (!V8ThreadIdIsRight()) abort();
  prctl(PR_SET_NAME, self->name, 0, 0, 0);
  if (self->next != kNone) WaitForChain(*self, static_cast<ucontext_t*>(context));
  errno = saved_errno;
}  // sigreturn restores the signal mask and all registers, and re-enters the wait

// Of a thread that is left out: libc has its id as far from its list of robust futexes as this one's from its own.
void ForgetTidOfLeftOut(pid_t tid) {
  char *own_list = nullptr, *list = nullptr;
  size_t size;
  if (syscall(SYS_get_robust_list, 0, &own_list, &size) != 0) return;
  if (syscall(SYS_get_robust_list, tid, &list, &size) != 0 || !list) return;
  ForgetTid(reinterpret_cast<int*>(reinterpret_cast<char*>(pthread_self()) + (list - own_list) + g_tid_offset), tid);
}

std::string Describe(const ThreadState& state) {
  return "thread " + std::to_string(state.listed_tid) + " (\"" + state.name + "\")";
}

// The files whose code a waiting thread will return to, read off its stack: an upper bound, since old words linger.
std::set<std::string> CodeOnStack(const ThreadState& state, const std::vector<Mapping>& mappings) {
  std::set<std::string> files;
  constexpr uintptr_t kLongestStack = 1 << 20;
  for (const Mapping& stack : mappings) {
    if (state.stack_pointer < stack.start || state.stack_pointer >= stack.end || !stack.readable) continue;
    const uintptr_t end = std::min(stack.end, state.stack_pointer + kLongestStack);
    for (uintptr_t at = (state.stack_pointer + 7) & ~uintptr_t{7}; at + 8 <= end; at += 8) {
      const auto word = *reinterpret_cast<const uintptr_t*>(at);
      const auto code = std::upper_bound(mappings.begin(), mappings.end(), word,
                                         [](uintptr_t value, const Mapping& m) { return value < m.end; });
      if (code != mappings.end() && code->start <= word && code->executable && !code->path.empty()) {
        files.insert(code->path);
      }
    }
  }
  return files;
}

// A thread that appeared after the baseline is carried only if it is one of libuv's pool: waiting on a condition
// variable, with nothing but the runtime's own code on its stack.
std::optional<Failure> RefuseIfForeign(const ThreadState& state, const Baseline& baseline,
                                       const std::vector<Mapping>& mappings) {
  if (baseline.threads.count(state.listed_tid)) return std::nullopt;
  for (const std::string& file : CodeOnStack(state, mappings)) {
    if (baseline.code.count(file)) continue;
    return Failure::Code("ERR_THREAD_NOT_CARRIED",
                         Describe(state) + " was started by " + file +
                             ", which was loaded by a preloaded module; threads of native modules can't be cloned. "
                             "Take the module out of `preload`, or load it in a way that starts no thread");
  }
  if (IsEpollWait(state.number)) {
    return Failure::Code("ERR_THREAD_NOT_CARRIED",
                         Describe(state) +
                             " runs an event loop of its own; a preloaded module has started a Worker "
                             "and left it running. Terminate it before the module has loaded");
  }
  return std::nullopt;
}

std::optional<Failure> NotIdle(const std::vector<ThreadState>& busy, int timeout_ms) {
  std::string message;
  for (const ThreadState& state : busy) {
    if (!message.empty()) message += "; ";
    message +=
        Describe(state) + (state.in_system_call ? " is in system call " + std::to_string(state.number) : " runs");
  }
  return Failure::Code("ERR_THREAD_NOT_CARRIED", "not idle after " + std::to_string(timeout_ms) + " ms: " + message +
                                                     ". A preloaded module keeps work going in the background");
}

// Until all threads but this one are idle at the same time. Each by itself may be waiting for what another still does,
// in the middle of a task and with locks. Twice the same, with none having run in between: so it was in between, too.
std::optional<Failure> AwaitIdle(pid_t self, uint64_t deadline, int timeout_ms) {
  std::map<pid_t, uint64_t> before;
  for (;;) {
    std::map<pid_t, uint64_t> runs;
    std::vector<ThreadState> busy;
    for (const pid_t listed_tid : ReadThreadIds()) {
      const std::optional<ThreadState> state = ReadThreadState(listed_tid);
      if (!state || state->tid == self) continue;
      runs[state->tid] = state->runs;
      const auto known = before.find(state->tid);
      if (!IsIdle(*state) || known == before.end() || known->second != state->runs) busy.push_back(*state);
    }
    if (busy.empty() && runs.size() == before.size()) return std::nullopt;
    if (monotonic_ns() > deadline) return NotIdle(busy, timeout_ms);
    before = std::move(runs);
    sleep_us(kLookUs);
  }
}

bool BlocksSignal(const ThreadState& state, int signal) { return state.blocked_signals >> (signal - 1) & 1; }

// SECURITY: SIGSTKFLT first, which no kernel sends. To be delivered it needs no room in the queue of signals, as
// real-time ones do; children may have filled that by the time that threads are parked again.
int FindFreeSignal() {
  struct sigaction stack_fault;
  if (sigaction(SIGSTKFLT, nullptr, &stack_fault) == 0 && stack_fault.sa_handler == SIG_DFL) return SIGSTKFLT;
  for (int signal = SIGRTMAX - 1; signal > SIGRTMIN; signal--) {
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) return signal;
  }
  return -1;
}

}  // namespace

Baseline TakeBaseline() {
  Baseline baseline;
  for (const pid_t tid : ReadThreadIds()) baseline.threads.insert(tid);
  for (const Mapping& mapping : ReadMappings()) {
    if (mapping.executable && !mapping.path.empty()) baseline.code.insert(mapping.path);
  }
  return baseline;
}

std::optional<Failure> ParkThreads(const Baseline& baseline, int timeout_ms, CarriedThreads* result) {
  g_tid_offset = TidOffset();
  if (g_tid_offset < 0) {
    return Failure::Code("ERR_LIBC_UNSUPPORTED",
                         "this libc does not say where it keeps the id of a thread; nodespawner needs glibc 2.28 or "
                         "later (musl is not supported)");
  }
  FindRseq();
  if (auto failure = PrepareStarts()) return failure;
  if (g_signal <= 0) g_signal = FindFreeSignal();
  if (g_signal < 0) return Failure::Code("ERR_NO_FREE_SIGNAL", "every real-time signal has a handler");
  struct sigaction action = {};
  action.sa_sigaction = OnParkSignal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&action.sa_mask);
  if (sigaction(g_signal, &action, nullptr) != 0) return Failure::Errno("sigaction", errno);

  const pid_t process = getpid(), self = sys_gettid();
  g_zygote = self;
  const uint64_t deadline = monotonic_ns() + static_cast<uint64_t>(timeout_ms) * 1000000;
  if (auto failure = AwaitIdle(self, deadline, timeout_ms)) return failure;
  for (;;) {
    // Threads are looked at anew each time: one that ends or starts while others are being parked is seen.
    const std::vector<Mapping> mappings = ReadMappings();
    std::vector<ThreadState> busy;
    *result = {};
    for (const pid_t listed_tid : ReadThreadIds()) {
      const std::optional<ThreadState> state = ReadThreadState(listed_tid);
      if (!state || state->tid == self) continue;
      const pid_t tid = state->tid;
      const size_t count = g_thread_count.load();
      const auto known = std::find_if(g_threads, g_threads + count, [&](const auto& t) { return t.tid == tid; });
      if (known != g_threads + count && known->parked.load()) {
        result->carried++;
        continue;
      }
      if (!IsIdle(*state)) {
        busy.push_back(*state);
        continue;
      }
      if (auto failure = RefuseIfForeign(*state, baseline, mappings)) return failure;
      if (BlocksSignal(*state, g_signal)) {
        if (!baseline.threads.count(state->listed_tid)) {
          return Failure::Code(
              "ERR_THREAD_NOT_CARRIED",
              Describe(*state) + " blocks signal " + std::to_string(g_signal) + ", by which it would be parked");
        }
        ForgetTidOfLeftOut(tid);
        result->left_out++;
        continue;
      }
      if (known == g_threads + count) {
        if (count == kMaxThreads) {
          return Failure::Code("ERR_THREAD_NOT_CARRIED", "more than " + std::to_string(kMaxThreads) + " threads");
        }
        known->tid = tid;
        strncpy(known->name, state->name.c_str(), sizeof known->name - 1);
        g_thread_count.store(count + 1);
      }
      busy.push_back(*state);  // until it says that it has parked
      if (sys_tgkill(process, tid, g_signal) != 0 && errno != ESRCH) return Failure::Errno("tgkill", errno);
    }
    if (busy.empty()) return std::nullopt;
    if (monotonic_ns() > deadline) return NotIdle(busy, timeout_ms);
    const timespec pause = {0, 1000000};
    sys_futex_wait(reinterpret_cast<const int*>(&g_arrived), g_arrived.load(), &pause);
  }
}

void ReleaseThreads() {
  const size_t count = g_thread_count.load();
  for (size_t i = 0; i < count; i++) {
    ParkedThread& thread = g_threads[i];
    if (thread.parked.load() && *thread.libc_tid == kNoTid) *thread.libc_tid = thread.tid;
    thread.parked.store(0);
    sys_futex_wake(reinterpret_cast<const int*>(&thread.parked), 1);
  }
}

int ReviveThreads() {
  RenewV8ThreadId(g_zygote);
  const int error = StartThreads();
  if (error) return error;
  // Which the threads are in already.
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  return sigaction(g_signal, &action, nullptr) == 0 ? 0 : errno;
}

}  // namespace nodespawner
