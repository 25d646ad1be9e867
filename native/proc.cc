#include "proc.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>

namespace nodespawner {
namespace {

struct Closer {
  void operator()(FILE* file) const { fclose(file); }
  void operator()(DIR* directory) const { closedir(directory); }
};
using File = std::unique_ptr<FILE, Closer>;
using Directory = std::unique_ptr<DIR, Closer>;

File Open(const std::string& path) { return File(fopen(path.c_str(), "re")); }

// Calls `visit` with each line, without its newline, until it returns false.
template <typename Visit>
void ForEachLine(FILE* file, Visit visit) {
  char* line = nullptr;
  size_t capacity = 0;
  ssize_t length;
  while ((length = getline(&line, &capacity, file)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    if (!visit(static_cast<const char*>(line))) break;
  }
  free(line);
}

// The entries of a directory of numbers, without the descriptor of the directory itself.
std::vector<int> ReadNumbers(const char* path) {
  std::vector<int> numbers;
  const Directory directory(opendir(path));
  if (!directory) return numbers;
  const int own = dirfd(directory.get());
  const bool lists_fds = strstr(path, "/fd") != nullptr;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const int number = atoi(entry->d_name);
    if (!lists_fds || number != own) numbers.push_back(number);
  }
  return numbers;
}

bool ParseMapping(const char* line, Mapping* mapping) {
  char permissions[5] = "";
  int path_at = 0;
  if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %n", &mapping->start, &mapping->end, permissions,
             &path_at) < 3) {
    return false;
  }
  mapping->readable = permissions[0] == 'r';
  mapping->writable = permissions[1] == 'w';
  mapping->executable = permissions[2] == 'x';
  mapping->path = path_at ? line + path_at : "";
  return true;
}

// VmFlags of proc_pid_smaps(5): what may be done with memory, and that it is accounted or not.
constexpr const char* kOrdinaryFlags = "rd wr mr mw me ac nr sd";

// Whether flags, of two letters each, are all among others.
bool HasOnly(const char* flags, const char* others) {
  char flag[3] = "";
  for (int length = 0; sscanf(flags, " %2s%n", flag, &length) == 1; flags += length) {
    if (!strstr(others, flag)) return false;
  }
  return true;
}

}  // namespace

std::vector<Mapping> ReadMappings() {
  std::vector<Mapping> mappings;
  const File file = Open("/proc/self/maps");
  if (!file) return mappings;
  ForEachLine(file.get(), [&](const char* line) {
    Mapping mapping;
    if (ParseMapping(line, &mapping)) mappings.push_back(std::move(mapping));
    return true;
  });
  return mappings;
}

std::optional<std::vector<Mapping>> ReadSpecialMappings() {
  const File file = Open("/proc/self/smaps");
  if (!file) return std::nullopt;
  std::vector<Mapping> special;
  Mapping current = {};
  ForEachLine(file.get(), [&](const char* line) {
    if (strncmp(line, "VmFlags:", 8) == 0) {
      const std::string flags = std::string(line + 8) + " ";
      for (const char* flag : {" io ", " de ", " pf ", " mm "}) {
        if (flags.find(flag) == std::string::npos) continue;
        special.push_back(current);
        break;
      }
    } else {
      Mapping mapping;
      if (ParseMapping(line, &mapping)) current = std::move(mapping);
    }
    return true;
  });
  return special;
}

std::vector<Memory> ReadOrdinaryMemory() {
  std::vector<Memory> ordinary;
  // Lest it gets a mapping of its own while they are read.
  ordinary.reserve(ReadMappings().size());
  const File file = Open("/proc/self/smaps");
  if (!file) return ordinary;
  Mapping mapping = {};
  size_t resident = 0;
  unsigned key = 0;  // on machines that have them
  ForEachLine(file.get(), [&](const char* line) {
    if (sscanf(line, "Rss: %zu", &resident) == 1 || sscanf(line, "ProtectionKey: %u", &key) == 1) return true;
    if (strncmp(line, "VmFlags:", 8) == 0) {
      const bool is_data = mapping.readable && mapping.writable && !mapping.executable;
      const bool is_named = !mapping.path.empty() && mapping.path != "[heap]";
      if (is_data && !is_named && key == 0 && HasOnly(line + 8, kOrdinaryFlags)) {
        ordinary.push_back({mapping.start, mapping.end, resident * 1024});
      }
      key = 0;
      return true;
    }
    Mapping next;
    if (ParseMapping(line, &next)) mapping = std::move(next);
    return true;
  });
  return ordinary;
}

std::vector<pid_t> ReadThreadIds() { return ReadNumbers("/proc/self/task"); }

std::optional<ThreadState> ReadThreadState(pid_t listed_tid) {
  const std::string directory = "/proc/self/task/" + std::to_string(listed_tid) + "/";
  ThreadState state;
  state.listed_tid = state.tid = listed_tid;

  const File comm = Open(directory + "comm");
  if (!comm) return std::nullopt;  // it has ended
  ForEachLine(comm.get(), [&](const char* line) {
    state.name = line;
    return false;
  });

  if (const File status = Open(directory + "status")) {
    ForEachLine(status.get(), [&](const char* line) {
      // NSpid lists the id in each nested namespace, ours last.
      const char* last_id = strncmp(line, "NSpid:", 6) == 0 ? strrchr(line, '\t') : nullptr;
      if (last_id) state.tid = atoi(last_id + 1);
      sscanf(line, "SigBlk: %" SCNx64, &state.blocked_signals);
      uint64_t switches = 0;
      if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &switches) == 1 ||
          sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &switches) == 1) {
        state.runs += switches;
      }
      return true;
    });
  }

  if (const File call = Open(directory + "syscall")) {
    ForEachLine(call.get(), [&](const char* line) {
      uint64_t* a = state.args;
      uint64_t stack_pointer = 0;
      state.in_system_call =
          sscanf(line, "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
                 &state.number, a, a + 1, a + 2, a + 3, a + 4, a + 5, &stack_pointer) == 8 &&
          state.number >= 0;
      state.stack_pointer = static_cast<uintptr_t>(stack_pointer);
      return false;
    });
  }
  return state;
}

std::vector<OpenFile> ReadOpenFiles() {
  std::vector<OpenFile> files;
  for (const int fd : ReadNumbers("/proc/self/fd")) {
    OpenFile open_file;
    open_file.fd = fd;
    char target[4096];
    const ssize_t length = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
    if (length < 0) continue;
    open_file.target.assign(target, static_cast<size_t>(length));
    if (const File info = Open("/proc/self/fdinfo/" + std::to_string(fd))) {
      ForEachLine(info.get(), [&](const char* line) {
        unsigned semaphore;
        EpollRegistration registration;
        sscanf(line, "flags: %o", reinterpret_cast<unsigned*>(&open_file.flags));
        sscanf(line, "eventfd-count: %" SCNx64, &open_file.eventfd_count);
        if (sscanf(line, "eventfd-semaphore: %u", &semaphore) == 1) open_file.eventfd_semaphore = semaphore;
        if (sscanf(line, "tfd: %d events: %x data: %" SCNx64, &registration.fd, &registration.events,
                   &registration.data) == 3) {
          open_file.registrations.push_back(registration);
        }
        return true;
      });
    }
    files.push_back(std::move(open_file));
  }
  return files;
}

}  // namespace nodespawner
