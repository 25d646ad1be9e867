#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "child.h"
#include "clone.h"
#include "control.h"
#include "fdpass.h"
#include "huge_program.h"
#include "large_folios.h"
#include "launcher/cgroup_entrance.h"
#include "launcher/stub_protocol.h"
#include "pinned_pages.h"
#include "seccomp.h"
#include "syscalls.h"
#include "touched_pages.h"
#include "unique_fd.h"
#include "zygote_only.h"

namespace nodespawner {
namespace {

struct Stub {
  pid_t pid = 0;
  int id = -1;
  UniqueFd pidfd;
  std::vector<UniqueFd> cgroup_fds;
};

struct StubFailure {
  int error;
  char step[sizeof(stub_message::step)];
};

struct ChildRecord {
  uint32_t token;
  pid_t pid;         // 0 until its holder has told it
  pid_t holder = 0;  // the process that shares its memory (memory_holder.h), if it has one
  Stub stub;
  UniqueFd listener;        // on which the kernel announces calls that the seccomp filter forbids
  int forbidden = -1;       // the number of the first of them
  ChildReport failed = {};  // the step of confining it that failed, if any
  bool confined = false;    // it has said so
  bool announced = false;   // the host knows its pid
  bool to_be_killed = false;
  bool reaped = false;
  bool stub_gone = false;
  bool holder_gone = false;
  uint32_t oom_kills = 0, task_fails = 0;
  int wait_status = 0;
  rusage usage = {};
};

// More than the 255 children that there can be at a time (CHILDREN_PER_ZYGOTE), and what has been asked for besides.
constexpr size_t kMostRecords = 512;

// SECURITY: beyond, a child is over only when its memory is gone. Whoever has so many children at a time, and starts
// the next when one is over, would else have the memory of any number of them.
constexpr int64_t kMostKilobytesLeft = int64_t{512} * 1024;

// How long nobody has to have wanted anything for the zygote to be warmed up.
constexpr int kQuietMs = 25;
// After so many requests it is warmed up all the same, for so long: each child takes longer as long as it is cold.
constexpr int kMostAskedCold = 4;
constexpr uint64_t kUnansweredNs = 20'000'000;

// SECURITY: all that the zygote knows of its children. A child finds nothing of it: it would tell of its siblings. Nor
// does the extent of the memory, which a child can see: there is room for all that there can be from the start.
struct Records {
  Records() {
    children.reserve(kMostRecords);
    stubs.reserve(kMostRecords);
    stub_failures.reserve(kMostRecords);
    sources.reserve(kMostRecords);
    ended_listeners.reserve(kMostRecords);
  }

  ZygoteOnlyVector<ChildRecord> children;
  ZygoteOnlyVector<Stub> stubs;  // in the order in which they were made
  ZygoteOnlyVector<StubFailure> stub_failures;
  ZygoteOnlyVector<pollfd> sources;
  ZygoteOnlyVector<UniqueFd> ended_listeners;
};

// What it can't go on after, said where the host finds it when it asks why the zygote is gone.
[[noreturn]] void End(const char* step, int error) {
  dprintf(STDERR_FILENO, "nodespawner: the zygote ends: %s: %s (errno %d)\n", step, strerror(error), error);
  _exit(1);
}

bool PeerIsGone(int error) { return error == EPIPE || error == ECONNRESET; }

int64_t Microseconds(const timeval& t) { return int64_t{t.tv_sec} * 1000000 + t.tv_usec; }

// What waitid(2) tells, as wait4(2) would.
int WaitStatus(const siginfo_t& ended) {
  if (ended.si_code == CLD_EXITED) return W_EXITCODE(ended.si_status, 0);
  return ended.si_status | (ended.si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

void SendToInit(int stub_fd, stub_request request) {
  const int error = SendMessage(stub_fd, &request, sizeof request, nullptr, 0);
  if (PeerIsGone(error)) _exit(1);  // and everything with it
  if (error) End("sendmsg(init)", error);
}

void AskForStub(int stub_fd) { SendToInit(stub_fd, {0}); }

class Server {
 public:
  explicit Server(const ServeOptions& options)
      : options_(options),
        records_(*new (ZygoteOnly<Records>().allocate(1)) Records()),
        children_(records_.children),
        stubs_(records_.stubs),
        stub_failures_(records_.stub_failures) {}

  std::optional<Failure> Start() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return Failure::Errno("socketpair", errno);
    reports_.reset(ends[0]);
    report_.reset(ends[1]);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    if (pthread_sigmask(SIG_BLOCK, &signals, &mask_in_child_) != 0) return Failure::Errno("sigprocmask", errno);
    signal_fd_.reset(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signal_fd_.valid()) return Failure::Errno("signalfd", errno);
    Reply ready = {};
    ready.kind = ReplyKind::kReady;
    ready.threads = options_.threads;
    ready.threads_left_out = options_.threads_left_out;
    Send(ready);
    return std::nullopt;
  }

  // Returns in a clone, else as Serve() does.
  Clone Run(ServeUntil until) {
    if (until == ServeUntil::kEnd) {
      const int report_fd = SendScout();
      if (report_fd >= 0) return {report_fd, true};
    }
    ZygoteOnlyVector<pollfd>& sources = records_.sources;
    const int timeout_ms = until == ServeUntil::kQuiet ? kQuietMs : -1;
    for (int asked = 0;;) {
      ListSources();
      const int ready = poll(sources.data(), sources.size(), timeout_ms);
      if (ready < 0 && errno != EINTR) End("poll", errno);
      if (ready < 0) continue;
      if (until == ServeUntil::kQuiet && (ready == 0 || asked == kMostAskedCold)) {
        wanted_from_ns_ = ready == 0 ? 0 : monotonic_ns() + kUnansweredNs;
        return {kQuiet, false};
      }
      // Before anything that removes a record.
      for (size_t i = kListeners; i < sources.size(); i++) {
        if (sources[i].revents) NoteForbiddenCall(&children_[i - kListeners], sources[i].revents);
      }
      if (sources[kReports].revents) ReceiveReport();
      if (sources[kSignals].revents) ReapChildren();
      // Not before the host knows: it takes as long as to reap.
      records_.ended_listeners.clear();
      if (sources[kInit].revents) ReceiveFromInit(MSG_DONTWAIT);
      if (sources[kScout].revents) HearScout();
      if (sources[kHost].revents) {
        asked++;
        const int job_fd = HandleRequest();
        if (job_fd >= 0) return {job_fd, false};
      }
    }
  }

  bool IsWanted() {
    if (monotonic_ns() < wanted_from_ns_) return false;
    ListSources();
    records_.sources[kInit].fd = -1;  // stubs can wait
    return poll(records_.sources.data(), records_.sources.size(), 0) != 0;
  }

 private:
  // What is waited for, and from where on the listeners of the children are.
  enum Source : size_t { kHost, kInit, kSignals, kReports, kScout, kListeners };

  void ListSources() {
    ZygoteOnlyVector<pollfd>& sources = records_.sources;
    sources.assign(kListeners, {-1, POLLIN, 0});
    sources[kHost].fd = options_.control_fd;
    sources[kInit].fd = options_.stub_fd;
    sources[kSignals].fd = signal_fd_.get();
    sources[kReports].fd = reports_.get();
    sources[kScout].fd = scout_.get();
    for (const ChildRecord& child : children_) sources.push_back({child.listener.get(), POLLIN, 0});
  }

  // ---- init ----

  void ReceiveFromInit(int flags) {
    stub_message message;
    ReceivedMessage received;
    constexpr size_t kMostFds = 1 + STUB_MAX_CGROUPS;
    const int error = ReceiveMessage(options_.stub_fd, &message, sizeof message, kMostFds, flags, &received);
    if (error == EAGAIN) return;
    if (PeerIsGone(error) || (!error && received.size == 0)) _exit(1);
    if ((error && error != EMFILE) || received.size != sizeof message) End("recvmsg(init)", error ? error : EBADMSG);
    if (message.kind == STUB_READY && received.fds.empty()) {
      kill(message.pid, SIGKILL);
      stub_failures_.push_back({error, "recvmsg(stub)"});
    } else if (message.kind == STUB_READY) {
      Stub stub;
      stub.pid = message.pid;
      stub.id = message.uid;
      stub.pidfd = std::move(received.fds[0]);
      received.fds.erase(received.fds.begin());
      stub.cgroup_fds = std::move(received.fds);
      stubs_.push_back(std::move(stub));
    } else if (message.kind == STUB_FAILED) {
      StubFailure failure = {message.error, {}};
      memcpy(failure.step, message.step, sizeof failure.step);
      stub_failures_.push_back(failure);
    } else if (message.kind == STUB_GONE) {
      const auto child = std::find_if(children_.begin(), children_.end(),
                                      [&](const ChildRecord& c) { return c.stub.pid == message.pid && !c.stub_gone; });
      if (child != children_.end()) {
        child->stub_gone = true;
        child->oom_kills = message.oom_kills;
        child->task_fails = message.task_fails;
        ReportIfOver(child);
      } else {
        DropStub(message.pid);
      }
    }
  }

  // One that was nobody's yet: somebody has killed it.
  void DropStub(pid_t pid) {
    const auto stub = std::find_if(stubs_.begin(), stubs_.end(), [&](const Stub& s) { return s.pid == pid; });
    if (stub == stubs_.end()) return;
    stubs_.erase(stub);
    AskForStub(options_.stub_fd);
  }

  // False if init failed to make one.
  bool TakeStub(Stub* stub, StubFailure* failure) {
    // It failed ahead of demand, and what was in the way may be gone: too many children, or descriptors.
    for (size_t i = 0; i < stub_failures_.size(); i++) AskForStub(options_.stub_fd);
    stub_failures_.clear();
    while (stubs_.empty() && stub_failures_.empty()) ReceiveFromInit(0);
    AskForStub(options_.stub_fd);
    if (stubs_.empty()) {
      *failure = stub_failures_.front();
      stub_failures_.erase(stub_failures_.begin());
      return false;
    }
    *stub = std::move(stubs_.front());
    stubs_.erase(stubs_.begin());
    return true;
  }

  // ---- host ----

  void Send(const Reply& reply, pid_t translate_pid = 0) {
    const int error = SendMessage(options_.control_fd, &reply, sizeof reply, nullptr, 0, translate_pid);
    if (PeerIsGone(error)) _exit(0);
    if (error) End("sendmsg(host)", error);
  }

  void SendFailed(uint32_t token, const char* step, int error) {
    Reply reply = {};
    reply.kind = ReplyKind::kFailed;
    reply.token = token;
    reply.error = error;
    strncpy(reply.step, step, sizeof reply.step - 1);
    Send(reply);
  }

  // Returns the job socket in a child, -1 in the zygote.
  int HandleRequest() {
    Request request;
    ReceivedMessage received;
    const int error = ReceiveMessage(options_.control_fd, &request, sizeof request, 1, MSG_DONTWAIT, &received);
    if (error == EAGAIN) return -1;
    if (PeerIsGone(error) || (!error && received.size == 0)) _exit(0);  // the host has closed its end
    if ((error && error != EMFILE) || received.size != sizeof request) End("recvmsg(host)", error ? error : EBADMSG);
    const auto child = std::find_if(children_.begin(), children_.end(),
                                    [&](const ChildRecord& c) { return c.token == request.token; });
    switch (request.kind) {
      case RequestKind::kClone:
        if (received.fds.size() != 1) {
          SendFailed(request.token, "recvmsg(job)", error ? error : EBADMSG);
          return -1;
        }
        return CloneChild(request.token, std::move(received.fds[0]));
      case RequestKind::kSignal:
        // We are the only one to reap it, so the pid can't have been given to another process.
        if (child != children_.end() && child->pid && !child->reaped) kill(child->pid, request.signal);
        return -1;
      case RequestKind::kKill:
        if (child == children_.end() || child->stub_gone) return -1;
        child->to_be_killed = true;
        Kill(*child);
        return -1;
    }
    return -1;
  }

  int CloneChild(uint32_t token, UniqueFd job) {
    Stub stub;
    StubFailure failure;
    if (!TakeStub(&stub, &failure)) {
      SendFailed(token, failure.step, failure.error);
      return -1;
    }
    int cgroup_fds[STUB_MAX_CGROUPS];
    size_t cgroup_count = 0;
    for (const UniqueFd& fd : stub.cgroup_fds) cgroup_fds[cgroup_count++] = fd.get();
    // With a holder, that is what is cloned, and clones the child.
    const bool has_holder = options_.sandbox.single_process;
    const int group = birthplace(cgroup_fds, cgroup_count);
    const CloneResult result = CloneProcess(has_holder ? -1 : stub.pidfd.get(), group);
    if (result.pid == 0) {
      BecomeChild(
          {token, job.get(), report_.get(), stub.pidfd.get(), cgroup_fds, cgroup_count, result.born_into, stub.id},
          options_.sandbox);
      pthread_sigmask(SIG_SETMASK, &mask_in_child_, nullptr);
      // Closed with all others.
      stub.pidfd.release();
      for (UniqueFd& fd : stub.cgroup_fds) fd.release();
      return job.release();
    }
    // SECURITY: with its memory. How far the heap of the next child reaches would tell how many there are.
    std::vector<UniqueFd>().swap(stub.cgroup_fds);
    if (result.pid < 0) {
      sys_pidfd_send_signal(stub.pidfd.get(), SIGKILL);
      SendFailed(token, result.step, result.error);
      return -1;
    }
    ChildRecord record;
    record.token = token;
    record.pid = has_holder ? 0 : result.pid;
    record.holder = has_holder ? result.pid : 0;
    record.holder_gone = !has_holder;
    record.stub = std::move(stub);
    children_.push_back(std::move(record));
    return -1;
  }

  // ---- scout ----

  // Returns the end of a pipe that it is to report to in the scout, -1 in the zygote. Without one, or without its
  // report, each child copies what it writes to, as it does.
  int SendScout() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      SayWarm(Failure::Errno("pipe2", errno));
      return -1;
    }
    UniqueFd reads(ends[0]), writes(ends[1]);
    // SECURITY: the last child that was cloned without a holder was put elsewhere, and so would be who is cloned next.
    const UniqueFd self(sys_pidfd_open(getpid()));
    if (!self.valid() || setns(self.get(), CLONE_NEWPID) != 0) {
      SayWarm(Failure::Errno(self.valid() ? "setns(CLONE_NEWPID)" : "pidfd_open", errno));
      return -1;
    }
    const CloneResult result = CloneProcess(-1, -1);
    if (result.pid < 0) {
      SayWarm(Failure::Errno(result.step, result.error));
      return -1;
    }
    if (result.pid > 0) {
      scout_ = std::move(reads);
      return -1;
    }
    BecomeScout(writes.get());
    pthread_sigmask(SIG_SETMASK, &mask_in_child_, nullptr);
    reads.release();  // closed with all others
    return writes.release();
  }

  void HearScout() {
    PageRange ranges[512];
    const ssize_t got = read(scout_.get(), ranges, sizeof ranges);
    if (got > 0) {
      touched_.insert(touched_.end(), ranges, ranges + static_cast<size_t>(got) / sizeof *ranges);
      return;
    }
    scout_.reset();
    PutDataInHugePages(touched_);
    PutMemoryInLargeFolios(touched_);
    SayWarm(touched_.empty() ? Failure::Errno("scout", ENODATA) : PinPages(options_.ring_fd, touched_));
    touched_.clear();
  }

  void SayWarm(const std::optional<Failure>& not_pinned) {
    Reply warm = {};
    warm.kind = ReplyKind::kWarm;
    if (not_pinned) {
      warm.error = not_pinned->error;
      strncpy(warm.step, not_pinned->syscall, sizeof warm.step - 1);
    }
    Send(warm);
  }

  // ---- children ----

  void ReceiveReport() {
    ChildReport report;
    ReceivedMessage received;
    const int error = ReceiveMessage(reports_.get(), &report, sizeof report, 1, MSG_DONTWAIT, &received);
    if ((error && error != EMFILE) || received.size != sizeof report) return;
    const auto child =
        std::find_if(children_.begin(), children_.end(), [&](const ChildRecord& c) { return c.token == report.token; });
    if (child == children_.end()) return;
    if (report.pid) {
      child->pid = report.pid;
      if (child->confined) Announce(&*child);
      return;
    }
    if (report.error) {
      // It is about to end. If that is what the host wants, its stub is gone already, so there was nothing to join.
      if (!child->to_be_killed) child->failed = report;
      return;
    }
    if (error) {
      // SECURITY: nobody would hear of what the filter stops.
      child->failed = {report.token, 0, error, "recvmsg(listener)"};
      Kill(*child);
      return;
    }
    if (!received.fds.empty()) child->listener = std::move(received.fds[0]);
    child->confined = true;
    if (child->pid) Announce(&*child);
  }

  // Only until the child is reaped: the kernel translates no pid that is nobody's.
  void Announce(ChildRecord* child) {
    child->announced = true;
    Reply reply = {};
    reply.kind = ReplyKind::kCloned;
    reply.token = child->token;
    Send(reply, child->pid ? child->pid : child->holder);
  }

  bool ReportIsWaiting() const {
    pollfd report = {reports_.get(), POLLIN, 0};
    return poll(&report, 1, 0) > 0;
  }

  // The caller stays where it is, in the system call that it will not get: kill it, and all that it started.
  void NoteForbiddenCall(ChildRecord* child, short events) {
    const int number = events & POLLIN ? ReadForbiddenCall(child->listener.get()) : -1;
    if (number < 0) {
      // SECURITY: only if nobody is left who could make a call. Without a listener forbidden calls are but errors, and
      // one that was interrupted before we could read it leaves the same error here.
      if (events & (POLLHUP | POLLERR)) records_.ended_listeners.push_back(std::move(child->listener));
      return;
    }
    if (child->forbidden < 0) child->forbidden = number;
    Kill(*child);
  }

  // All of it, by its stub; but a child that has a holder has started nothing, and its stub is to go last: once it has,
  // init gives the control group to the next child, who would have that much less memory in it.
  static void Kill(const ChildRecord& child) {
    if (child.holder_gone || !child.pid) return KillStub(child);
    if (!child.reaped) kill(child.pid, SIGKILL);
  }

  // And with it the child, and all that it started. Not when it has been given back, and may be another child's.
  static void KillStub(const ChildRecord& child) {
    if (!child.stub_gone && child.stub.pidfd.valid()) sys_pidfd_send_signal(child.stub.pidfd.get(), SIGKILL);
  }

  // When the child is gone and its memory too. Of one that ended any other way than usual the stub is not for another.
  void ReleaseStub(ChildRecord* child) {
    const bool ended_well = child->reaped && HasEndedWell(*child);
    if (!options_.sandbox.reuses_stubs || !ended_well || child->stub_gone) return KillStub(*child);
    child->stub.pidfd.reset();
    SendToInit(options_.stub_fd, {child->stub.pid});
  }

  void ReapChildren() {
    signalfd_siginfo drained[16];
    while (read(signal_fd_.get(), drained, sizeof drained) > 0) {
    }
    siginfo_t ended = {};
    rusage usage;
    while (sys_waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT, &usage) == 0 && ended.si_pid != 0) {
      while (ReportIsWaiting()) ReceiveReport();
      const pid_t pid = ended.si_pid;
      const auto is_it = [&](const ChildRecord& c) {
        return (c.pid == pid && !c.reaped) || (c.holder == pid && !c.holder_gone);
      };
      const auto child = std::find_if(children_.begin(), children_.end(), is_it);
      // Or has told since, and ended: its child is not to be taken for nobody's, and its record to wait for ever.
      if (child == children_.end() && (HolderWillTell() || ReportIsWaiting())) continue;
      // A holder without a child: there is none, or the kernel has killed both of them for want of memory.
      if (child != children_.end() && (child->pid == pid || !child->pid)) {
        AnnounceLate(&*child, ended.si_code);  // while it still has a pid
        child->reaped = true;
        child->wait_status = WaitStatus(ended);
        child->usage = usage;
        // Nothing of it runs any more, and for the kernel to forget it takes 60 µs.
        if (child->pid == pid) ReportEarly(*child);
      }
      ended = {};
      if (waitpid(pid, nullptr, 0) != pid || child == children_.end()) continue;
      if (child->holder == pid) {
        child->holder_gone = true;
        ReleaseStub(&*child);
      } else {
        // The control group is empty when the stub is gone, for the next child.
        if (child->holder_gone)
          KillStub(*child);
        else
          kill(child->holder, SIGKILL);
      }
      ReportIfOver(child);
    }
  }

  // Whether somebody's pid is not known yet and will be. Waits for it a moment.
  bool HolderWillTell() const {
    for (const ChildRecord& child : children_) {
      siginfo_t ended = {};
      if (child.pid || child.holder_gone) continue;
      if (waitid(P_PID, static_cast<id_t>(child.holder), &ended, WEXITED | WNOHANG | WNOWAIT) != 0) continue;
      if (ended.si_pid != 0) continue;
      pollfd report = {reports_.get(), POLLIN, 0};
      poll(&report, 1, 1);
      return true;
    }
    return false;
  }

  void AnnounceLate(ChildRecord* child, int code) {
    if (child->announced || child->failed.error) return;
    // It was killed while it was being confined, or could not even report.
    if (code != CLD_EXITED || child->to_be_killed) {
      Announce(child);
    } else {
      child->failed.error = EPIPE;
      strncpy(child->failed.step, "sendmsg(report)", sizeof child->failed.step - 1);
    }
  }

  static Reply EndOf(const ChildRecord& child, ReplyKind kind) {
    Reply reply = {};
    reply.kind = kind;
    reply.forbidden = child.forbidden;
    reply.oom_kills = child.oom_kills;
    reply.task_fails = child.task_fails;
    reply.token = child.token;
    reply.wait_status = child.wait_status;
    reply.user_us = Microseconds(child.usage.ru_utime);
    reply.system_us = Microseconds(child.usage.ru_stime);
    reply.peak_memory_kb = child.usage.ru_maxrss;
    return reply;
  }

  static bool HasEndedWell(const ChildRecord& child) {
    return !child.to_be_killed && !child.failed.error && child.forbidden < 0 && child.wait_status == 0;
  }

  // What is left of a child that can't start processes and is reaped is its stub, which nobody has to wait for: for
  // the kernel to take the namespaces apart takes as long again.
  void ReportEarly(const ChildRecord& child) {
    if (!options_.sandbox.single_process || child.stub_gone || !HasEndedWell(child)) return;
    if (KilobytesLeft() > kMostKilobytesLeft) return;
    Send(EndOf(child, ReplyKind::kReaped));
  }

  // At the most what children had that have ended, and that has not been taken apart.
  int64_t KilobytesLeft() const {
    int64_t sum = 0;
    for (const ChildRecord& child : children_) {
      if (child.reaped && !child.holder_gone) sum += child.usage.ru_maxrss;
    }
    return sum;
  }

  void ReportIfOver(ZygoteOnlyVector<ChildRecord>::iterator child) {
    if (!child->reaped || !child->stub_gone || !child->holder_gone) return;
    Reply reply = EndOf(*child, ReplyKind::kExited);
    if (child->failed.error) {
      reply.kind = ReplyKind::kFailed;
      reply.error = child->failed.error;
      memcpy(reply.step, child->failed.step, sizeof reply.step);
    }
    children_.erase(child);
    Send(reply);
  }

  const ServeOptions options_;
  uint64_t wanted_from_ns_ = 0;
  UniqueFd reports_;  // from children that are being confined
  UniqueFd report_;   // their end
  UniqueFd signal_fd_;
  UniqueFd scout_;                  // while there is one
  std::vector<PageRange> touched_;  // by the scout
  sigset_t mask_in_child_;
  Records& records_;
  ZygoteOnlyVector<ChildRecord>& children_;
  ZygoteOnlyVector<Stub>& stubs_;
  ZygoteOnlyVector<StubFailure>& stub_failures_;
};

// Never destroyed: in a child its descriptors are closed already, and their numbers belong to others.
Server* g_server = nullptr;

// SECURITY: messages about siblings have passed through the stack below.
__attribute__((noinline)) void ClearStackBelow() {
  char used[65536];
  explicit_bzero(used, sizeof used);
}

}  // namespace

void AskForStubs(const ServeOptions& options) {
  for (int i = 0; i < options.spare_stubs; i++) AskForStub(options.stub_fd);
}

std::optional<Failure> BeginToServe(const ServeOptions& options) {
  g_server = new Server(options);
  return g_server->Start();
}

Clone Serve(ServeUntil until) {
  const Clone clone = g_server->Run(until);
  ClearStackBelow();
  return clone;
}

bool IsWanted() { return g_server->IsWanted(); }

}  // namespace nodespawner
