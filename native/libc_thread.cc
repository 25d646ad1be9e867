#include "libc_thread.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>

#include "syscalls.h"

namespace nodespawner {

ptrdiff_t TidOffset() {
  // nptl_db's DESC: { size of the field in bits, number of elements, offset in bytes }.
  const auto* description =
      static_cast<const uint32_t*>(dlvsym(RTLD_DEFAULT, "_thread_db_pthread_tid", "GLIBC_PRIVATE"));
  if (!description || description[0] != 8 * sizeof(pid_t)) return -1;
  const auto offset = static_cast<ptrdiff_t>(description[2]);
  const auto* tid = reinterpret_cast<const pid_t*>(reinterpret_cast<const char*>(pthread_self()) + offset);
  return *tid == sys_gettid() ? offset : -1;
}

}  // namespace nodespawner
