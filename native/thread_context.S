// See thread_context.h. All of them return twice or start a thread, which no compiler can be told to do.

#if defined(__x86_64__)

.text
.globl nodespawner_save_context
.hidden nodespawner_save_context
.type nodespawner_save_context, @function
nodespawner_save_context:
  mov %rbx, 0(%rdi)
  mov %rbp, 8(%rdi)
  mov %r12, 16(%rdi)
  mov %r13, 24(%rdi)
  mov %r14, 32(%rdi)
  mov %r15, 40(%rdi)
  lea 8(%rsp), %rax              // the stack pointer after our return
  mov %rax, 48(%rdi)
  mov (%rsp), %rax               // our return address
  mov %rax, 56(%rdi)
  xor %eax, %eax
  ret
.size nodespawner_save_context, . - nodespawner_save_context

.globl nodespawner_start_thread
.hidden nodespawner_start_thread
.type nodespawner_start_thread, @function
nodespawner_start_thread:        // rdi flags, rsi context, rdx parent_tid, rcx child_tid, r8 tls
  push %r12
  mov %rsi, %r12
  mov %rcx, %r10                 // the kernel takes the fourth argument in r10
  mov 48(%rsi), %rsi             // the new thread's stack
  mov $56, %eax                  // clone: the new thread keeps every register but rax, rcx, r11 and rsp
  syscall
  test %rax, %rax
  jz 1f
  pop %r12
  ret
1:mov %r12, %rdi
  mov 0(%rdi), %rbx
  mov 8(%rdi), %rbp
  mov 16(%rdi), %r12
  mov 24(%rdi), %r13
  mov 32(%rdi), %r14
  mov 40(%rdi), %r15
  mov 48(%rdi), %rsp
  mov $1, %eax
  jmp *56(%rdi)
.size nodespawner_start_thread, . - nodespawner_start_thread

.globl nodespawner_clone_return_in_child
.hidden nodespawner_clone_return_in_child
.type nodespawner_clone_return_in_child, @function
nodespawner_clone_return_in_child:  // rdi call, rsi stack, rdx function
  push %r12
  push %r13
  mov %rsi, %r12
  mov %rdx, %r13
  mov 0(%rdi), %rax
  mov 16(%rdi), %rsi
  mov 24(%rdi), %rdx
  mov 32(%rdi), %r10
  mov 40(%rdi), %r8
  mov 8(%rdi), %rdi
  syscall
  test %rax, %rax
  jg 1f
  pop %r13
  pop %r12
  ret
1:mov %r12, %rsp                 // the other process is using the old one
  mov %rax, %rdi
  xor %ebp, %ebp
  call *%r13
  ud2
.size nodespawner_clone_return_in_child, . - nodespawner_clone_return_in_child

#elif defined(__aarch64__)

.text
.globl nodespawner_save_context
.hidden nodespawner_save_context
.type nodespawner_save_context, %function
nodespawner_save_context:
  stp x19, x20, [x0, #0]
  stp x21, x22, [x0, #16]
  stp x23, x24, [x0, #32]
  stp x25, x26, [x0, #48]
  stp x27, x28, [x0, #64]
  stp x29, x30, [x0, #80]
  mov x1, sp
  str x1, [x0, #96]
  stp d8, d9, [x0, #104]
  stp d10, d11, [x0, #120]
  stp d12, d13, [x0, #136]
  stp d14, d15, [x0, #152]
  mov w0, #0
  ret
.size nodespawner_save_context, . - nodespawner_save_context

.globl nodespawner_start_thread
.hidden nodespawner_start_thread
.type nodespawner_start_thread, %function
nodespawner_start_thread:        // x0 flags, x1 context, x2 parent_tid, x3 child_tid, x4 tls
  mov x9, x1
  mov x5, x3
  ldr x1, [x9, #96]              // the new thread's stack
  mov x3, x4                     // the kernel wants tls before child_tid on this architecture
  mov x4, x5
  mov x8, #220                   // clone: the new thread keeps every register but x0 and sp
  svc #0
  cbz x0, 1f
  ret
1:ldp x19, x20, [x9, #0]
  ldp x21, x22, [x9, #16]
  ldp x23, x24, [x9, #32]
  ldp x25, x26, [x9, #48]
  ldp x27, x28, [x9, #64]
  ldp x29, x30, [x9, #80]
  ldp d8, d9, [x9, #104]
  ldp d10, d11, [x9, #120]
  ldp d12, d13, [x9, #136]
  ldp d14, d15, [x9, #152]
  mov w0, #1
  ret
.size nodespawner_start_thread, . - nodespawner_start_thread

.globl nodespawner_clone_return_in_child
.hidden nodespawner_clone_return_in_child
.type nodespawner_clone_return_in_child, %function
nodespawner_clone_return_in_child:  // x0 call, x1 stack, x2 function
  stp x19, x20, [sp, #-16]!
  mov x19, x1
  mov x20, x2
  mov x9, x0
  ldr x8, [x9, #0]
  ldp x0, x1, [x9, #8]
  ldp x2, x3, [x9, #24]
  ldr x4, [x9, #40]
  svc #0
  cmp x0, #0
  b.gt 1f
  ldp x19, x20, [sp], #16
  ret
1:mov sp, x19                    // the other process is using the old one
  mov x29, #0
  mov x30, #0
  blr x20
  brk #0
.size nodespawner_clone_return_in_child, . - nodespawner_clone_return_in_child

#endif

.section .note.GNU-stack, "", %progbits
