// Capabilities (capabilities(7)).
#pragma once

#include <linux/securebits.h>

namespace nodespawner {

// Uid 0 is nobody special, ambient capabilities can't be had, a change of ids takes capabilities away and never keeps
// them, and all of that for good.
constexpr int kSecureBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                            SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

// In the zygote, once, inherited by all children: empties the bounding set and locks the securebits, so that no program
// and no change of ids gives a capability back. The zygote keeps those that it has. Returns the name of the call that
// failed, or null.
const char* LockCapabilities();

// Empties the ambient, inheritable, permitted and effective sets of the calling thread, and looks whether they are.
// Makes system calls only. Returns the name of the call that failed, or null.
const char* DropCapabilities();

}  // namespace nodespawner
