// ArrayBuffers over memory that V8 does not count.
#pragma once

#include <napi.h>

namespace nodespawner {

// Looks in node for what the following needs.
void FindBackingStores();

// An ArrayBuffer over memory that V8 doesn't count among what the process uses, so that it collects no garbage on its
// account. When nothing refers to it any more, give_back gets the memory, on whichever thread. Empty, and the memory is
// still the caller's, where this build of Node doesn't let us.
Napi::Value NewUncounted(Napi::Env env, void* data, size_t length, void (*give_back)(void*, size_t));

}  // namespace nodespawner
