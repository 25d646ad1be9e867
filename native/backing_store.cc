#include "backing_store.h"

#include <dlfcn.h>

#include <memory>
#include <new>

namespace nodespawner {
namespace {

// v8::BackingStore and v8::Isolate. A v8::Local is the address of a slot, as is a napi_value.
struct BackingStore;
struct Isolate;

using EmptyDeleter = void (*)(void* data, size_t length, void* hint);

void (*g_destroy)(BackingStore* store);

// As V8's own do: the destructor, and an operator delete that is told no size.
struct Destroy {
  void operator()(BackingStore* store) const {
    g_destroy(store);
    ::operator delete(store);
  }
};

using OwnedStore = std::unique_ptr<BackingStore, Destroy>;

Isolate* (*g_get_current)();
// What comes with it counts as nothing: V8's BackingStore::PerIsolateAccountingLength().
EmptyDeleter g_empty_deleter;
OwnedStore (*g_new_backing_store)(void* data, size_t length, EmptyDeleter deleter, void* hint);
napi_value (*g_new_array_buffer)(Isolate* isolate, std::shared_ptr<BackingStore> store);

bool g_is_found = false;

template <typename Function>
bool Find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return function != nullptr;
}

}  // namespace

void FindBackingStores() {
  g_is_found = Find(g_get_current, "_ZN2v87Isolate10GetCurrentEv") && Find(g_destroy, "_ZN2v812BackingStoreD1Ev") &&
               Find(g_empty_deleter, "_ZN2v812BackingStore12EmptyDeleterEPvmS1_") &&
               Find(g_new_backing_store, "_ZN2v811ArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_") &&
               Find(g_new_array_buffer, "_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE");
}

Napi::Value NewUncounted(Napi::Env env, void* data, size_t length, void (*give_back)(void*, size_t)) {
  if (!g_is_found) return {};
  OwnedStore store = g_new_backing_store(data, length, g_empty_deleter, nullptr);
  // V8 shares it among all ArrayBuffers that the memory is handed on to, so that this is when the last one is gone.
  const std::shared_ptr<BackingStore> shared(store.release(), [data, length, give_back](BackingStore* last) {
    Destroy()(last);
    give_back(data, length);
  });
  return {env, g_new_array_buffer(g_get_current(), shared)};
}

}  // namespace nodespawner
