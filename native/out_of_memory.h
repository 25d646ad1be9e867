// What a child does when V8 finds no more memory for the heap.
#pragma once

#include <napi.h>

namespace nodespawner {

// In the zygote: looks in node for what the following needs.
void FindOutOfMemoryHandler();

// reportOutOfMemory(fd: number, report: Uint8Array): boolean. From now on the process then writes the report to the
// descriptor and ends, instead of writing to stderr what V8 thinks of it and aborting. False where this build of Node
// does not let us.
Napi::Value ReportOutOfMemory(const Napi::CallbackInfo& info);

}  // namespace nodespawner
