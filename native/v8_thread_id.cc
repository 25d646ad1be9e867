#include "v8_thread_id.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

#include "libc_thread.h"
#include "syscalls.h"

namespace nodespawner {
namespace {

using GetThreadId = int (*)();
GetThreadId g_get_thread_id = nullptr;
// From the thread pointer on. 0: V8 keeps none.
ptrdiff_t g_offset = 0;

struct TlsBlock {
  uintptr_t code;  // what it belongs to
  char* start;     // of the calling thread
  size_t size;
};

// The thread-local variables of the file that has this code: node, or its shared library.
int FindTls(dl_phdr_info* info, size_t, void* argument) {
  auto* block = static_cast<TlsBlock*>(argument);
  bool has_code = false;
  size_t size = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& header = info->dlpi_phdr[i];
    const uintptr_t start = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD) has_code |= block->code >= start && block->code < start + header.p_memsz;
    if (header.p_type == PT_TLS) size = header.p_memsz;
  }
  if (!has_code) return 0;
  block->start = static_cast<char*>(info->dlpi_tls_data);
  block->size = block->start ? size : 0;
  return 1;
}

}  // namespace

std::optional<Failure> FindV8ThreadId() {
  g_get_thread_id = reinterpret_cast<GetThreadId>(dlsym(RTLD_DEFAULT, "_ZN2v84base2OS18GetCurrentThreadIdEv"));
  if (!g_get_thread_id) {
    return Failure::Code("ERR_RUNTIME_UNSUPPORTED",
                         "this build of Node does not export v8::base::OS::GetCurrentThreadId()");
  }
  const int tid = g_get_thread_id();
  TlsBlock block = {reinterpret_cast<uintptr_t>(g_get_thread_id), nullptr, 0};
  dl_iterate_phdr(FindTls, &block);
  for (size_t at = 0; at + sizeof(int) <= block.size; at += sizeof(int)) {
    auto* word = reinterpret_cast<int*>(block.start + at);
    if (*word != tid) continue;
    // Any other id will do, to see whether this is where it is read.
    *word = -tid;
    const bool is_note = g_get_thread_id() == -tid;
    *word = tid;
    if (is_note) g_offset = block.start + at - static_cast<char*>(ThreadPointer());
  }
  return std::nullopt;
}

void RenewV8ThreadId(pid_t before) {
  if (g_offset == 0) return;
  int* const note = reinterpret_cast<int*>(static_cast<char*>(ThreadPointer()) + g_offset);
  if (*note == before) *note = sys_gettid();
}

bool V8ThreadIdIsRight() { return g_get_thread_id() == sys_gettid(); }

}  // namespace nodespawner
