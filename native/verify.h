// Reads back from the kernel what a child is confined by, before any untrusted byte is read.
#pragma once

#include <stddef.h>

#include "sandbox.h"

namespace nodespawner {

// In the zygote: which namespaces it is in itself. Returns the call that failed, or null.
const char* NoteNamespaces();

// The following are for a child. They make system calls only, and return what is not as it should be, or null.

// That nobody has left System V objects in the IPC namespace, which may have been another child's (launcher/stubs.h).
const char* VerifyNoIpcObjects();

// While it could still be tried: there is no way to namespaces of one's own.
const char* VerifyNoNewNamespaces(const Sandbox& sandbox);

// `proc_self` is what OpenProcSelf() gave, and is closed; `keep` are the descriptors that RenewFds() was told to keep;
// `has_cgroups` is whether it is to be in groups of its own.
const char* VerifyConfinement(const Sandbox& sandbox, int id, int proc_self, const int* keep, size_t keep_count,
                              bool has_cgroups);

}  // namespace nodespawner
