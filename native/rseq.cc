#include "rseq.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "libc_thread.h"

namespace nodespawner {
namespace {

ptrdiff_t g_rseq_offset = 0;
bool g_has_rseq = false;

// What glibc registers: at first the size of the structure as it was then, since 2.40 what the kernel says.
constexpr unsigned long kFirstLength = 32;
unsigned long g_later_length = kFirstLength;

constexpr uint32_t kSignature =
#if defined(__x86_64__)
    0x53053053;
#else
    0xd428bc00;
#endif

char* Area() { return static_cast<char*>(ThreadPointer()) + g_rseq_offset; }

}  // namespace

void FindRseq() {
  const auto* offset = static_cast<const ptrdiff_t*>(dlsym(RTLD_DEFAULT, "__rseq_offset"));
  const auto* size = static_cast<const unsigned*>(dlsym(RTLD_DEFAULT, "__rseq_size"));
  g_has_rseq = offset && size && *size > 0;
  if (g_has_rseq) g_rseq_offset = *offset;
  constexpr unsigned long kFeatureSize = 27, kAlignment = 28;  // AT_RSEQ_* of getauxval(3)
  const unsigned long alignment = std::max(getauxval(kAlignment), 1ul);
  const unsigned long length = (getauxval(kFeatureSize) + alignment - 1) / alignment * alignment;
  g_later_length = std::max(length, kFirstLength);
}

void RegisterRseq() {
  if (!g_has_rseq) return;
  // struct rseq of linux/rseq.h, whose declaration differs among kernel headers: cpu_id_start, cpu_id, rseq_cs.
  char* area = Area();
  auto* cpu_id_start = reinterpret_cast<uint32_t*>(area);
  auto* cpu_id = reinterpret_cast<uint32_t*>(area + 4);
  auto* rseq_cs = reinterpret_cast<uint64_t*>(area + 8);
  constexpr uint32_t kUninitialized = static_cast<uint32_t>(-1), kRegistrationFailed = static_cast<uint32_t>(-2);
  *cpu_id_start = 0;
  *cpu_id = kUninitialized;
  *rseq_cs = 0;
  if (syscall(SYS_rseq, area, kFirstLength, 0, kSignature) != 0) *cpu_id = kRegistrationFailed;
}

const char* UnregisterRseq() {
  if (!g_has_rseq) return nullptr;
  constexpr int kUnregister = 1;
  for (const unsigned long length : {kFirstLength, g_later_length}) {
    if (syscall(SYS_rseq, Area(), length, kUnregister, kSignature) == 0) return nullptr;
  }
  return "rseq";
}

}  // namespace nodespawner
