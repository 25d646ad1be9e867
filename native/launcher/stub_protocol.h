/* Messages between the zygote and its init process (launcher.c) over a socket of type SOCK_SEQPACKET.
 *
 * A stub is the init process (PID 1) of a child's PID namespace. It does nothing but wait: when it is killed, the kernel
 * kills everything in its namespace. The zygote asks for stubs ahead of demand by sending one byte for each. */
#pragma once

#include <stdint.h>

enum stub_message_kind {
  STUB_READY = 1,  /* with one descriptor: the stub's pidfd */
  STUB_GONE = 2,   /* the stub has been reaped, so its namespace is empty */
  STUB_FAILED = 3, /* no stub could be made */
};

struct stub_message {
  uint32_t kind;
  int32_t pid;
  int32_t error;
};
