// What a child that starts no programs finds in /proc: a few files about itself, and nothing else.
#pragma once

namespace nodespawner {

// /proc/self as the kernel shows it, for what is to be read back once it is covered. Returns a descriptor or -1.
int OpenProcSelf();

// In a child, while it has its capabilities: covers /proc by what native/launcher/root.c has prepared, and puts into
// it some of the files of `proc_self`. Returns the call that failed, or null.
const char* CoverProc(int proc_self);

// Whether there is anything in /proc besides what CoverProc() leaves.
bool ShowsMoreOfProc();

}  // namespace nodespawner
