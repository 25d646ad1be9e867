/* How the launcher and init say what went wrong before there is a zygote to say it to: on stderr, which the host reads.
 */
#pragma once

enum { EXIT_SETUP = 125, EXIT_EXEC = 127 }; /* as env(1) and sh(1) use them */

/* Writes the system call, the errno and what to change, and exits. */
_Noreturn void fail(const char *call, const char *what_to_change);
