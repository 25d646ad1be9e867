#include "randomness.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <vector>

#include "proc.h"

namespace nodespawner {
namespace {

// v8::base::RandomNumberGenerator (src/base/utils/random-number-generator.h): xorshift128+, seeded through MurmurHash3.
struct V8Generator {
  uint64_t initial_seed, state0, state1;
};

V8Generator* g_v8_generator = nullptr;
int (*g_rand_poll)() = nullptr;

uint64_t MurmurHash3(uint64_t h) {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdu;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53u;
  h ^= h >> 33;
  return h;
}

void XorShift128(uint64_t* state0, uint64_t* state1) {
  uint64_t s1 = *state0;
  const uint64_t s0 = *state1;
  *state0 = s0;
  s1 ^= s1 << 23;
  s1 ^= s1 >> 17;
  s1 ^= s0;
  s1 ^= s0 >> 26;
  *state1 = s1;
}

// Whether the state follows from the seed in so many draws: proof that this is the generator.
bool IsGenerator(const V8Generator& candidate, int most_draws) {
  uint64_t state0 = MurmurHash3(candidate.initial_seed), state1 = MurmurHash3(~state0);
  for (int i = 0; i < most_draws; i++) {
    if (state0 == candidate.state0 && state1 == candidate.state1) return true;
    XorShift128(&state0, &state1);
  }
  return false;
}

// The isolate owns its generator through a pointer. Its place in the isolate differs among versions, so each word of
// the isolate is tried that points to an allocation of the right size (malloc's chunk header says so).
V8Generator* FindV8Generator() {
  using GetCurrent = void* (*)();
  const auto get_current = reinterpret_cast<GetCurrent>(dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv"));
  if (!get_current) return nullptr;
  const auto isolate = reinterpret_cast<uintptr_t>(get_current());
  const std::vector<Mapping> mappings = ReadMappings();
  const auto mapping_of = [&](uintptr_t address) -> const Mapping* {
    const auto found = std::upper_bound(mappings.begin(), mappings.end(), address,
                                        [](uintptr_t value, const Mapping& m) { return value < m.end; });
    const bool inside = found != mappings.end() && found->start <= address && found->readable && found->writable;
    return inside ? &*found : nullptr;
  };
  const Mapping* home = mapping_of(isolate);
  if (!home) return nullptr;
  constexpr uintptr_t kLargestIsolate = 1 << 18;
  constexpr size_t kChunkFlags = 7, kChunkSize = 32;  // 24 bytes and malloc's header
  const uintptr_t end = std::min(home->end, isolate + kLargestIsolate);
  std::vector<V8Generator*> candidates;
  for (uintptr_t at = isolate; at + sizeof(uintptr_t) <= end; at += sizeof(uintptr_t)) {
    const auto address = *reinterpret_cast<const uintptr_t*>(at);
    if (address % 16 != 0) continue;
    const Mapping* mapping = mapping_of(address);
    if (!mapping || address - mapping->start < sizeof(size_t) || mapping->end - address < sizeof(V8Generator)) continue;
    const size_t header = *reinterpret_cast<const size_t*>(address - sizeof(size_t));
    if ((header & ~kChunkFlags) != kChunkSize) continue;
    candidates.push_back(reinterpret_cast<V8Generator*>(address));
  }
  // To tell for sure that something else isn't it takes 50 ms, so all are tried with few draws first.
  for (const int most_draws : {1 << 10, 1 << 16, 1 << 24}) {
    for (V8Generator* candidate : candidates) {
      if (IsGenerator(*candidate, most_draws)) return candidate;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<Failure> FindGenerators() {
  g_v8_generator = FindV8Generator();
  if (!g_v8_generator) {
    return Failure::Code("ERR_RUNTIME_UNSUPPORTED",
                         "the random number generator of V8 was not found in this build of Node, so children would "
                         "repeat each other's Math.random(); use an official build of Node 20, 22, 24 or 26");
  }
  g_rand_poll = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "RAND_poll"));
  if (!g_rand_poll) {
    return Failure::Code("ERR_RUNTIME_UNSUPPORTED",
                         "this build of Node does not export OpenSSL's RAND_poll, so children would repeat each "
                         "other's crypto.randomBytes()");
  }
  return std::nullopt;
}

const char* ReseedGenerators() {
  V8Generator fresh;
  ssize_t got;
  do {
    got = getrandom(&fresh, sizeof fresh, 0);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof fresh) return "getrandom";
  *g_v8_generator = fresh;
  // SECURITY: OpenSSL notices a fork by getpid() alone, which may be the same in two PID namespaces. RAND_poll reseeds
  // the primary generator; those of each thread see its reseed counter and follow (RAND_DRBG(7)).
  if (g_rand_poll() != 1) return "RAND_poll";
  return nullptr;
}

}  // namespace nodespawner
