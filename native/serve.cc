#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "child.h"
#include "clone.h"
#include "control.h"
#include "fdpass.h"
#include "launcher/stub_protocol.h"
#include "syscalls.h"
#include "unique_fd.h"

namespace nodespawner {
namespace {

struct Stub {
  pid_t pid = 0;
  UniqueFd pidfd;
};

struct ChildRecord {
  uint32_t token;
  pid_t pid;
  Stub stub;
  bool reaped = false;
  bool stub_gone = false;
  int wait_status = 0;
  rusage usage = {};
};

int64_t Microseconds(const timeval& t) { return int64_t{t.tv_sec} * 1000000 + t.tv_usec; }

class Server {
 public:
  explicit Server(const ServeOptions& options) : options_(options) {}

  std::optional<Failure> Start() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return Failure::Errno("pipe2", errno);
    status_read_.reset(ends[0]);
    status_write_.reset(ends[1]);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    if (pthread_sigmask(SIG_BLOCK, &signals, &mask_in_child_) != 0) return Failure::Errno("sigprocmask", errno);
    signal_fd_.reset(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signal_fd_.valid()) return Failure::Errno("signalfd", errno);
    for (int i = 0; i < options_.spare_stubs; i++) AskForStub();
    Reply ready = {};
    ready.kind = ReplyKind::kReady;
    ready.threads = options_.threads;
    ready.threads_left_out = options_.threads_left_out;
    Send(ready);
    return std::nullopt;
  }

  // Returns in a child only, with its job socket.
  int Run() {
    for (;;) {
      pollfd sources[] = {{options_.control_fd, POLLIN, 0}, {options_.stub_fd, POLLIN, 0}, {signal_fd_.get(), POLLIN, 0}};
      if (poll(sources, 3, -1) < 0 && errno != EINTR) _exit(1);
      if (sources[2].revents) ReapChildren();
      if (sources[1].revents) ReceiveFromInit(MSG_DONTWAIT);
      if (sources[0].revents) {
        const int job_fd = HandleRequest();
        if (job_fd >= 0) return job_fd;
      }
    }
  }

 private:
  // ---- init ----

  void AskForStub() {
    const char one = 1;
    if (SendMessage(options_.stub_fd, &one, 1, nullptr, 0) != 0) _exit(1);
  }

  void ReceiveFromInit(int flags) {
    stub_message message;
    ReceivedMessage received;
    const int error = ReceiveMessage(options_.stub_fd, &message, sizeof message, 1, flags, &received);
    if (error == EAGAIN) return;
    if (error || received.size != sizeof message) _exit(1);  // init is gone, and everything with it
    if (message.kind == STUB_READY && received.fds.size() == 1) {
      stubs_.push_back({message.pid, std::move(received.fds[0])});
    } else if (message.kind == STUB_FAILED) {
      stub_errors_.push_back(message.error);
    } else if (message.kind == STUB_GONE) {
      const auto child = std::find_if(children_.begin(), children_.end(),
                                      [&](const ChildRecord& c) { return c.stub.pid == message.pid && !c.stub_gone; });
      if (child != children_.end()) {
        child->stub_gone = true;
        ReportIfOver(child);
      }
    }
  }

  // Returns 0 or the errno with which init failed to make a stub.
  int TakeStub(Stub* stub) {
    while (stubs_.empty() && stub_errors_.empty()) ReceiveFromInit(0);
    AskForStub();
    if (!stub_errors_.empty()) {
      const int error = stub_errors_.front();
      stub_errors_.pop_front();
      return error;
    }
    *stub = std::move(stubs_.front());
    stubs_.pop_front();
    return 0;
  }

  // ---- host ----

  void Send(const Reply& reply, pid_t translate_pid = 0) {
    if (SendMessage(options_.control_fd, &reply, sizeof reply, nullptr, 0, translate_pid) != 0) _exit(0);
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
    if (error || received.size != sizeof request) _exit(0);  // the host has closed its end, or is no longer ours
    const auto child = std::find_if(children_.begin(), children_.end(),
                                    [&](const ChildRecord& c) { return c.token == request.token; });
    switch (request.kind) {
      case RequestKind::kClone:
        if (received.fds.size() != 1) _exit(1);
        return CloneChild(request.token, std::move(received.fds[0]));
      case RequestKind::kSignal:
        // We are the only one to reap it, so the pid can't have been given to another process.
        if (child != children_.end() && !child->reaped) kill(child->pid, request.signal);
        return -1;
      case RequestKind::kKill:
        if (child != children_.end() && !child->stub_gone) sys_pidfd_send_signal(child->stub.pidfd.get(), SIGKILL);
        return -1;
    }
    return -1;
  }

  int CloneChild(uint32_t token, UniqueFd job) {
    Stub stub;
    if (const int error = TakeStub(&stub)) {
      SendFailed(token, "clone(CLONE_NEWPID)", error);
      return -1;
    }
    const CloneResult result = CloneProcess(stub.pidfd.get());
    if (result.pid == 0) {
      BecomeChild({job.get(), status_write_.get()});
      pthread_sigmask(SIG_SETMASK, &mask_in_child_, nullptr);
      stub.pidfd.release();  // closed with all others
      // SECURITY: of the zygote's records a child keeps nothing: they tell of its siblings.
      explicit_bzero(static_cast<void*>(children_.data()), children_.capacity() * sizeof(ChildRecord));
      return job.release();
    }
    if (result.pid < 0) {
      sys_pidfd_send_signal(stub.pidfd.get(), SIGKILL);
      SendFailed(token, result.step, result.error);
      return -1;
    }
    ChildRecord record;
    record.token = token;
    record.pid = result.pid;
    record.stub = std::move(stub);
    children_.push_back(std::move(record));
    Reply reply = {};
    reply.kind = ReplyKind::kCloned;
    reply.token = token;
    Send(reply, result.pid);
    return -1;
  }

  // ---- children ----

  void ReapChildren() {
    signalfd_siginfo drained[16];
    while (read(signal_fd_.get(), drained, sizeof drained) > 0) {
    }
    int status;
    rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
      const auto child = std::find_if(children_.begin(), children_.end(),
                                      [&](const ChildRecord& c) { return c.pid == pid && !c.reaped; });
      if (child == children_.end()) continue;
      child->reaped = true;
      child->wait_status = status;
      child->usage = usage;
      sys_pidfd_send_signal(child->stub.pidfd.get(), SIGKILL);  // and all that it started
      ReportIfOver(child);
    }
  }

  void ReportIfOver(std::vector<ChildRecord>::iterator child) {
    if (!child->reaped || !child->stub_gone) return;
    Reply reply = {};
    reply.kind = ReplyKind::kExited;
    StepFailure failure;
    if (WIFEXITED(child->wait_status) && read(status_read_.get(), &failure, sizeof failure) == sizeof failure) {
      reply.kind = ReplyKind::kFailed;
      reply.error = failure.error;
      memcpy(reply.step, failure.step, sizeof failure.step);
    }
    reply.token = child->token;
    reply.wait_status = child->wait_status;
    reply.user_us = Microseconds(child->usage.ru_utime);
    reply.system_us = Microseconds(child->usage.ru_stime);
    reply.peak_memory_kb = child->usage.ru_maxrss;
    children_.erase(child);
    Send(reply);
  }

  const ServeOptions options_;
  UniqueFd status_read_, status_write_, signal_fd_;
  sigset_t mask_in_child_;
  std::vector<ChildRecord> children_;
  std::deque<Stub> stubs_;
  std::deque<int> stub_errors_;
};

}  // namespace

std::optional<Failure> Serve(const ServeOptions& options, int* job_fd) {
  // Never destroyed: in a child its descriptors are closed already, and their numbers belong to others.
  auto* server = new Server(options);
  if (auto failure = server->Start()) return failure;
  *job_fd = server->Run();
  return std::nullopt;
}

}  // namespace nodespawner
