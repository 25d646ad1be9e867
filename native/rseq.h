// Restartable sequences (rseq(2)): an area in a thread's memory that the kernel writes to, and reads where to continue
// from, whenever that thread returns to user space. glibc registers one for each thread that it starts.
#pragma once

namespace nodespawner {

// Once, before the functions below.
void FindRseq();

// For the calling thread, at glibc's place for it. Makes a system call only.
void RegisterRseq();

// For the calling thread, of which glibc has registered it. Makes system calls only. Returns the step that failed, with
// errno.
const char* UnregisterRseq();

}  // namespace nodespawner
