// Random number generators that live in the memory of the process and that a clone would share with its siblings.
#pragma once

#include <optional>

#include "failure.h"

namespace nodespawner {

// In the zygote: finds the generator of the V8 isolate (it seeds Math.random of each context at its first use) and
// OpenSSL's RAND_poll. Fails with ERR_RUNTIME_UNSUPPORTED when one can't be found.
std::optional<Failure> FindGenerators();

// In the child, before any JavaScript: new seeds from getrandom(2) for both. Returns the name of the call that failed,
// or null.
const char* ReseedGenerators();

}  // namespace nodespawner
