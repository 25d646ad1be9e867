#include "memory_holder.h"

#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>

#include "clone.h"
#include "control.h"
#include "launcher/clone.h"
#include "pid_numbers.h"
#include "rseq.h"
#include "syscalls.h"
#include "thread_context.h"

namespace nodespawner {
namespace {

// libc's `errno` and its records of threads are the child's at the same time: the holder calls the kernel itself.
long RawCall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#endif
}

long Address(const void* pointer) { return reinterpret_cast<long>(pointer); }

constexpr uint32_t kArchitecture =
#if defined(__x86_64__)
    AUDIT_ARCH_X86_64;
#else
    AUDIT_ARCH_AARCH64;
#endif

// What the holder does for ever, what ends it, and nothing else.
const sock_filter kFilter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ppoll, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

enum Progress : uint32_t { kBusy, kFilterIsNext, kDone };

struct {
  Holder holder = {};
  std::atomic<uint32_t> progress{kBusy};
  // When it is done: the step that failed, if any, and its errno.
  const char* failed_step = nullptr;
  int error = 0;
} g_holder;

static_assert(sizeof g_holder.progress == sizeof(uint32_t), "a futex is a word of 32 bits");

alignas(16) char g_stack[16384];

void Proceed(Progress progress) {
  g_holder.progress.store(progress);
  RawCall(SYS_futex, Address(&g_holder.progress), FUTEX_WAKE_PRIVATE, 1);
}

// Returns the step that failed, and its errno.
const char* ConfineHolder(const Holder& holder, int* error) {
  const auto failed = [&](long result) {
    *error = static_cast<int>(-result);
    return result != 0;
  };
  // libc leaves out those that it uses itself.
  const uint64_t all_signals = ~uint64_t{0};
  if (failed(RawCall(SYS_rt_sigprocmask, SIG_SETMASK, Address(&all_signals), 0, sizeof all_signals))) {
    return "rt_sigprocmask";
  }
  if (failed(RawCall(SYS_close_range, 0, long{UINT_MAX}))) return "close_range";
  // SECURITY: where the kernel groups tasks by session (autogroup of sched(7)), the time that it takes to take the
  // memory apart is none of the zygote's.
  if (const long session = RawCall(SYS_setsid); session < 0) {
    *error = static_cast<int>(-session);
    return "setsid";
  }
  // SECURITY: it needs next to none. What the child's own limit counts, and what is said of its use, it is no part of.
  const rlimit second = {1, 1};
  if (failed(RawCall(SYS_prlimit64, 0, RLIMIT_CPU, Address(&second)))) return "prlimit64(RLIMIT_CPU)";
  if (holder.id >= 0) {
    if (failed(RawCall(SYS_setgroups, 0, 0))) return "setgroups";
    if (failed(RawCall(SYS_setresgid, holder.id, holder.id, holder.id))) return "setresgid";
    if (failed(RawCall(SYS_setresuid, holder.id, holder.id, holder.id))) return "setresuid";
  }
  const __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (failed(RawCall(SYS_capset, Address(&header), Address(none)))) return "capset";
  // The change of ids has cleared it.
  if (failed(RawCall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL))) return "prctl(PR_SET_PDEATHSIG)";
  // While it can still wake the child. What is left takes less time than that.
  Proceed(kFilterIsNext);
  const sock_fprog program = {sizeof kFilter / sizeof *kFilter, const_cast<sock_filter*>(kFilter)};
  if (failed(RawCall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, Address(&program))))
    return "seccomp(SECCOMP_SET_MODE_FILTER)";
  *error = EPERM;
  return RawCall(SYS_getpid) == -EPERM ? nullptr : "seccomp (the filter does not answer)";
}

[[noreturn]] void BeHolder(long child) {
  const Holder& holder = g_holder.holder;
  ChildReport report = {};
  report.token = holder.token;
  report.pid = static_cast<pid_t>(child);
  const long sent = RawCall(SYS_sendto, holder.status, Address(&report), sizeof report, MSG_NOSIGNAL);
  if (sent == sizeof report) {
    g_holder.failed_step = ConfineHolder(holder, &g_holder.error);
  } else {
    g_holder.failed_step = "sendto(holder)";
    g_holder.error = static_cast<int>(-sent);
  }
  Proceed(kDone);  // where the filter is, nobody is woken
  // The child says why; until then its memory is needed.
  for (;;) RawCall(SYS_ppoll);
}

}  // namespace

const char* LeaveHolder(const Holder& holder, int stub_pidfd) {
  if (setns(stub_pidfd, CLONE_NEWPID) != 0) return "setns(CLONE_NEWPID)";
  // SECURITY: what the kernel writes for the holder, and where it has the holder continue, would be in the child's
  // hands. And whom CLONE_VM makes has none: the area is the child's from now on.
  if (const char* step = UnregisterRseq()) return step;
  // Where the kernel would write when the holder ends: libc's id of what is the child's main thread by then.
  syscall(SYS_set_tid_address, nullptr);
  // Nor has whom CLONE_VM makes a stack for signals, which a native module may have set.
  stack_t for_signals = {};
  if (sigaltstack(nullptr, &for_signals) != 0) return "sigaltstack";
  g_holder.holder = holder;
  const uint64_t flags = CLONE_VM | CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  const auto tid = reinterpret_cast<uintptr_t>(MainTid());
  const pid_t pid = kChildPid;
  clone3_arguments arguments = {};
  arguments.flags = flags;
  arguments.child_tid = tid;
  arguments.set_tid = reinterpret_cast<uintptr_t>(&pid);
  arguments.set_tid_size = 1;
#if defined(__x86_64__)
  CloneCall call = {SYS_clone, {flags, 0, 0, tid, 0}};
#else
  CloneCall call = {SYS_clone, {flags, 0, 0, 0, tid}};
#endif
  if (holder.gives_pid) call = {SYS_clone3, {reinterpret_cast<uintptr_t>(&arguments), sizeof arguments}};
  const long result = nodespawner_clone_return_in_child(&call, g_stack + sizeof g_stack, BeHolder);
  if (result == 0) {
    RegisterRseq();
    return sigaltstack(&for_signals, nullptr) == 0 ? nullptr : "sigaltstack";
  }
  errno = static_cast<int>(-result);
  return holder.gives_pid ? "clone3(CLONE_VM)" : "clone(CLONE_VM)";
}

const char* AwaitHolder() {
  while (g_holder.progress.load() == kBusy) {
    syscall(SYS_futex, &g_holder.progress, FUTEX_WAIT_PRIVATE, kBusy, nullptr);
  }
  while (g_holder.progress.load() != kDone) sched_yield();
  errno = g_holder.error;
  return g_holder.failed_step;
}

}  // namespace nodespawner
