#include "fd_table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>

#include "proc.h"
#include "syscalls.h"

namespace nodespawner {
namespace {

constexpr size_t kMaxPipeBytes = 64;  // a self-pipe holds a byte or none

struct EventFd {
  int fd, flags;
  unsigned count;
};
struct Epoll {
  int fd, flags;
};
struct Registration {
  int epoll_fd;
  EpollRegistration value;
};
struct Pipe {
  int read_fd, write_fd, read_flags, write_flags;
  size_t size;
  char bytes[kMaxPipeBytes];
};
struct Device {
  int fd, flags;
  const char* path;
};

// Filled by InventoryFds(), read after a clone, where nothing may be allocated.
std::vector<EventFd> g_event_fds;
std::vector<Epoll> g_epolls;
std::vector<Registration> g_registrations;
std::vector<Pipe> g_pipes;
std::vector<Device> g_devices;
std::vector<int> g_kept;  // all of the above, ascending

// A folder of /proc and two files in it, and a pipe.
int g_spare[5] = {-1, -1, -1, -1, -1};

// Devices without state, of which a child may have a descriptor of its own.
const char* const kDevices[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"};

Failure NotCarried(const OpenFile& file) {
  return Failure::Code("ERR_FD_NOT_CARRIED",
                       "file descriptor " + std::to_string(file.fd) + " is " + file.target +
                           ", opened while modules were preloaded; every child would share it. Close it before the "
                           "module has loaded, or take the module out of `preload`");
}

// Copies what a pipe holds, without taking it out: tee(2) into a pipe of our own.
bool PeekPipe(int read_fd, Pipe* pipe) {
  int held = 0;
  if (ioctl(read_fd, FIONREAD, &held) != 0 || held < 0 || static_cast<size_t>(held) > kMaxPipeBytes) return false;
  pipe->size = static_cast<size_t>(held);
  if (held == 0) return true;
  int copy[2];
  if (pipe2(copy, O_CLOEXEC) != 0) return false;
  const bool copied =
      tee(read_fd, copy[1], pipe->size, SPLICE_F_NONBLOCK) == held && read(copy[0], pipe->bytes, pipe->size) == held;
  close(copy[0]);
  close(copy[1]);
  return copied;
}

bool PutBehind(int fd, int wanted, int flags) {
  const bool done = dup3(fd, wanted, flags & O_CLOEXEC) == wanted;
  const int saved = errno;
  close(fd);
  errno = saved;
  return done;
}

const char* RenewPipe(const Pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "pipe2";
  if (pipe.size && write(ends[1], pipe.bytes, pipe.size) != static_cast<ssize_t>(pipe.size)) return "write";
  if ((pipe.read_flags & O_NONBLOCK) && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return "fcntl";
  if ((pipe.write_flags & O_NONBLOCK) && fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0) return "fcntl";
  if (!PutBehind(ends[0], pipe.read_fd, pipe.read_flags)) return "dup3";
  if (!PutBehind(ends[1], pipe.write_fd, pipe.write_flags)) return "dup3";
  return nullptr;
}

// Some pipes may be known already, with what was in them.
template <typename IsOwn>
std::optional<Failure> Inventory(IsOwn is_own, const std::vector<Pipe>& known_pipes = {}) {
  g_event_fds.clear();
  g_epolls.clear();
  g_registrations.clear();
  g_pipes.clear();
  g_devices.clear();
  g_kept.clear();
  std::map<std::string, std::vector<OpenFile>> pipes;
  std::vector<Registration> registrations;
  for (OpenFile& file : ReadOpenFiles()) {
    if (is_own(file.fd)) continue;
    const auto device = std::find(std::begin(kDevices), std::end(kDevices), file.target);
    if (file.target == "anon_inode:[eventfd]") {
      const int flags = (file.flags & O_CLOEXEC ? EFD_CLOEXEC : 0) | (file.flags & O_NONBLOCK ? EFD_NONBLOCK : 0) |
                        (file.eventfd_semaphore ? EFD_SEMAPHORE : 0);
      if (file.eventfd_count > UINT_MAX) return NotCarried(file);
      g_event_fds.push_back({file.fd, flags, static_cast<unsigned>(file.eventfd_count)});
    } else if (file.target == "anon_inode:[eventpoll]") {
      g_epolls.push_back({file.fd, file.flags & O_CLOEXEC});
      for (const EpollRegistration& value : file.registrations) registrations.push_back({file.fd, value});
    } else if (device != std::end(kDevices)) {
      g_devices.push_back({file.fd, file.flags, *device});
    } else if (file.target.rfind("pipe:", 0) == 0) {
      pipes[file.target].push_back(std::move(file));
      continue;
    } else {
      return NotCarried(file);
    }
    g_kept.push_back(file.fd);
  }

  for (auto& [target, ends] : pipes) {
    // Both ends in one process, once each: a self-pipe. Anything else leads to somebody outside.
    if (ends.size() != 2) return NotCarried(ends[0]);
    if ((ends[0].flags & O_ACCMODE) == O_WRONLY) std::swap(ends[0], ends[1]);
    Pipe pipe = {ends[0].fd, ends[1].fd, ends[0].flags, ends[1].flags, 0, {}};
    const bool is_pair = (pipe.read_flags & O_ACCMODE) == O_RDONLY && (pipe.write_flags & O_ACCMODE) == O_WRONLY;
    if (!is_pair) return NotCarried(ends[0]);
    const auto known = std::find_if(known_pipes.begin(), known_pipes.end(), [&](const Pipe& before) {
      return before.read_fd == pipe.read_fd && before.write_fd == pipe.write_fd;
    });
    if (known != known_pipes.end()) {
      pipe = *known;
    } else if (!PeekPipe(pipe.read_fd, &pipe)) {
      return NotCarried(ends[0]);
    }
    g_pipes.push_back(pipe);
    g_kept.push_back(pipe.read_fd);
    g_kept.push_back(pipe.write_fd);
  }
  std::sort(g_kept.begin(), g_kept.end());

  for (const Registration& registration : registrations) {
    // Standard streams are replaced in each child, and nobody may wait for them in the zygote.
    const bool kept = std::binary_search(g_kept.begin(), g_kept.end(), registration.value.fd);
    if (kept) g_registrations.push_back(registration);
  }
  return std::nullopt;
}

// What is written to for something to be read from a descriptor of the runtime's; -1: it is of another kind.
int WrittenToWake(int waits_for) {
  for (const EventFd& event : g_event_fds) {
    if (event.fd == waits_for) return event.fd;
  }
  for (const Pipe& pipe : g_pipes) {
    if (pipe.read_fd == waits_for) return pipe.write_fd;
  }
  return -1;
}

}  // namespace

std::optional<Failure> InventoryFds(const std::vector<int>& own) {
  return Inventory([&](int fd) { return fd <= STDERR_FILENO || std::find(own.begin(), own.end(), fd) != own.end(); });
}

std::optional<Failure> InventoryFdsAgain() {
  const std::vector<int> known = g_kept;
  // libuv notes signals in one, which were the zygote's since.
  const std::vector<Pipe> known_pipes = g_pipes;
  auto failure = Inventory([&](int fd) { return !std::binary_search(known.begin(), known.end(), fd); }, known_pipes);
  if (!failure && g_kept != known) failure = Failure::Code("ERR_FD_NOT_CARRIED", "a descriptor of the runtime is gone");
  return failure;
}

void KeepSpareFds() {
  for (int& fd : g_spare) {
    if (fd < 0) fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
}

void CloseSpareFds() {
  for (int& fd : g_spare) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
}

const char* RenewFds(const int* keep, size_t keep_count) {
  // SECURITY: first close everything that is not listed, so that nothing of the zygote's or of a sibling's is left,
  // whatever was opened since the inventory.
  unsigned from = STDERR_FILENO + 1;
  const int* kept = g_kept.data();
  const int* const kept_end = kept + g_kept.size();
  const int* const keep_end = keep + keep_count;
  while (kept != kept_end || keep != keep_end) {
    const bool take_keep = kept == kept_end || (keep != keep_end && *keep < *kept);
    const unsigned next = static_cast<unsigned>(take_keep ? *keep++ : *kept++);
    if (next > from && sys_close_range(from, next - 1) != 0) return "close_range";
    if (next >= from) from = next + 1;
  }
  if (sys_close_range(from, UINT_MAX) != 0) return "close_range";

  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return "open(/dev/null)";
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
    if (dup2(null, stream) != stream) return "dup2";
  }
  close(null);

  for (const Device& device : g_devices) {
    const int fd = open(device.path, device.flags | O_CLOEXEC);
    if (fd < 0) return "open";
    if (!PutBehind(fd, device.fd, device.flags)) return "dup3";
  }
  for (const EventFd& event : g_event_fds) {
    const int fd = eventfd(event.count, event.flags);
    if (fd < 0) return "eventfd2";
    if (!PutBehind(fd, event.fd, event.flags & EFD_CLOEXEC ? O_CLOEXEC : 0)) return "dup3";
  }
  for (const Pipe& pipe : g_pipes) {
    if (const char* failed = RenewPipe(pipe)) return failed;
  }
  for (const Epoll& epoll : g_epolls) {
    const int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) return "epoll_create1";
    if (!PutBehind(fd, epoll.fd, epoll.flags)) return "dup3";
  }
  for (const Registration& registration : g_registrations) {
    epoll_event event = {};
    event.events = registration.value.events;
    event.data.u64 = registration.value.data;
    if (epoll_ctl(registration.epoll_fd, EPOLL_CTL_ADD, registration.value.fd, &event) != 0) return "epoll_ctl";
  }
  return nullptr;
}

bool IsWokenByWritesAlone(int epoll_fd) {
  bool has_any = false;
  for (const Registration& registration : g_registrations) {
    if (registration.epoll_fd != epoll_fd) continue;
    if (WrittenToWake(registration.value.fd) < 0) return false;
    has_any = true;
  }
  return has_any;
}

bool IsWokenByWriteTo(int epoll_fd, int fd) {
  return std::any_of(g_registrations.begin(), g_registrations.end(), [&](const Registration& registration) {
    return registration.epoll_fd == epoll_fd && WrittenToWake(registration.value.fd) == fd;
  });
}

bool HasOtherFds(const int* keep, size_t keep_count, int slots) {
  // Asked for one by one: the kernel takes longer to list them in /proc/self/fd, where each gets an entry.
  for (int fd = STDERR_FILENO + 1; fd < slots; fd++) {
    const bool is_kept = std::binary_search(g_kept.begin(), g_kept.end(), fd) ||
                         std::find(keep, keep + keep_count, fd) != keep + keep_count;
    if (!is_kept && (fcntl(fd, F_GETFD) != -1 || errno != EBADF)) return true;
  }
  return false;
}

}  // namespace nodespawner
