// The layer `syscalls`: what a child may ask of the kernel is on a list, and what only an attack asks for ends it.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compile } from '../helpers/compile.js';
import { buildRaw, HOST_TMP, Lab, only, statusOf, SYSTEM_CALLS } from '../helpers/security/lab.js';
import { expectStatus, NO_POOL, NO_SANDBOX, WITH_PROGRAMS } from '../helpers/zygote.js';

const addon = buildRaw(t);
const compute = await Lab.start(t, addon);
const exec = await Lab.start(t, addon, { profile: 'exec' });
/** Its children are root with all capabilities, in the host's namespaces. */
const alone = await Lab.start(t, addon, { off: only('syscalls') });

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What only an attack asks for: said here again, and not read from the policy, so that the policy can't lose one. */
const FORBIDDEN = `ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd
  unshare setns chroot pivot_root mount umount2 mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick
  name_to_handle_at open_by_handle_at userfaultfd bpf perf_event_open add_key request_key keyctl
  fanotify_init fanotify_mark lookup_dcookie remap_file_pages vmsplice modify_ldt
  init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl quotactl_fd
  iopl ioperm sethostname setdomainname syslog vhangup`
  .split(/\s+/)
  .filter((name) => name in SYSTEM_CALLS);

for (const [what, from] of [
  ['profile compute', compute],
  ['profile exec', exec],
  ['this layer alone, for root', alone],
] as const) {
  t.test(`${what}: a call that only an attack makes ends the child, and is named`, async (t) => {
    t.ok(FORBIDDEN.length >= 45);
    for (const name of FORBIDDEN) {
      const result = await from.attack(`sys(params, 0, 0, 0, 0, 0, 0); return 'it came back'`, name);
      t.equal(result.status === 'forbidden' ? result.syscall : result, name);
    }
  });
}

t.test('a new process in a namespace of its own is forbidden, whichever namespace', async (t) => {
  const flags = { NEWNS: 0x2_0000, NEWCGROUP: 0x200_0000, NEWUTS: 0x400_0000, NEWIPC: 0x800_0000 };
  const more = { NEWUSER: 0x1000_0000, NEWPID: 0x2000_0000, NEWNET: 0x4000_0000, PARENT: 0x8000 };
  for (const from of [compute, exec, alone])
    for (const [name, flag] of Object.entries({ ...flags, ...more }))
      // As a process and as a thread, and with the upper half of the register full, which the kernel doesn't look at.
      for (const rest of [17n, 0x1_0f00n, 0xffff_ffff_0000_0011n]) {
        const result = await from.attack(
          `sys('clone', BigInt(params), 0, 0, 0, 0); return 'it came back'`,
          String(rest | BigInt(flag)),
        );
        t.equal(result.status === 'forbidden' ? result.syscall : result, 'clone', name);
      }
});

t.test('a thread shares all that threads share, and no one can watch or wait for it', async (t) => {
  const THREAD = 0x3d0f00; // what pthread_create() asks for
  const flags = { VM: 0x100, FS: 0x200, FILES: 0x400, SIGHAND: 0x800, SYSVSEM: 0x4_0000 };
  for (const from of [compute, exec, alone])
    for (const [name, flag] of Object.entries(flags))
      t.equal(
        await from.value(`return sys('clone', params, 0, 0, 0, 0)`, THREAD & ~flag),
        'ENOSYS',
        `without ${name}`,
      );
  const more = { PIDFD: 0x1000, PTRACE: 0x2000, VFORK: 0x4000, UNTRACED: 0x80_0000 };
  for (const from of [compute, exec, alone])
    for (const [name, flag] of Object.entries(more))
      t.equal(await from.value(`return sys('clone', params, 0, 0, 0, 0)`, THREAD | flag), 'ENOSYS', name);
});

t.test(
  "memory is the child's own: no reserved pages, no merging, no page cache, no other core's time",
  async (t) => {
    const code = `return {
    huge: sys('mmap', 0, 2 ** 21, 3, 0x40022, -1, 0),
    advice: [3, 12, 20, 21, 25].map((advice) => sys('madvise', 0, 0, advice)),
    barriers: [1, 2, 4].map((command) => sys('membarrier', command, 0, 0)),
    own: [sys('madvise', 0, 0, 4), typeof sys('membarrier', 0, 0, 0)],
  };`;
    for (const from of [compute, exec, alone]) {
      t.strictSame(await from.value(code), {
        huge: 'ENOMEM',
        advice: new Array<string>(5).fill('EINVAL'),
        barriers: new Array<string>(3).fill('EINVAL'),
        own: [0, 'number'],
      });
    }
  },
);

t.test('in the profile exec a socket takes no filter, and tells nothing of the machine', async (t) => {
  const code = `
    const pair = Buffer.alloc(8), value = Buffer.alloc(64), size = Buffer.from(Uint32Array.of(64).buffer);
    sys('socketpair', 1, 1, 0, pair);
    const fd = pair.readInt32LE(0);
    return { set: [26, 50, 51, 36].map((option) => sys('setsockopt', fd, 1, option, value, 16)),
      get: [57, 71, 77].map((option) => sys('getsockopt', fd, 1, option, value, size)),
      own: [sys('getsockopt', fd, 1, 3, value, size), value.readInt32LE(0)] };`;
  const { set, get, own } = (await exec.value(code)) as Record<string, unknown[]>;
  t.strictSame(
    [set, get, own],
    [
      ['EPERM', 'EPERM', 'ENOSYS', 'ENOSYS'],
      ['ENOSYS', 'ENOSYS', 'ENOSYS'],
      [0, 1],
    ],
  );
});

t.test(
  'pages go into no pipe, where they would be in use after the child is gone; files are copied all the same',
  async (t) => {
    const code = `
    const ends = Buffer.alloc(8);
    sys('pipe', ends);
    const [from, to] = [ends.readInt32LE(0), ends.readInt32LE(4)], memory = outputFd();
    const other = '/tmp/copy';
    fs.copyFileSync('/etc/passwd', other);
    return [sys('sendfile', to, memory, 0, 4096), sys('splice', memory, Buffer.alloc(8), to, 0, 4096, 0), sys('tee', from, to, 4096, 0),
      fs.readFileSync(other, 'utf8') === fs.readFileSync('/etc/passwd', 'utf8')];`;
    for (const from of [compute, exec])
      t.strictSame(await from.value(code), ['EINVAL', 'EINVAL', 'EINVAL', true]);
    const open = await Lab.start(t, addon, { off: ['syscalls'] });
    t.equal(((await open.value(code)) as unknown[])[0], 4096, 'it is the filter that says so');
  },
);

t.test('calls that well-meaning code tries get an error that it knows', async (t) => {
  const told = await compute.value(
    `return Object.fromEntries(params.filter((name) => name in NUMBERS).map((name) => [name, sys(name, -1, 0, 0, 0, 0, 0)]))`,
    `clone3 io_uring_setup io_uring_enter io_uring_register
     fork vfork execve execveat setsid setpgid setuid setgid setresuid setresgid setgroups capset setrlimit personality
     sched_setaffinity sched_setscheduler sched_setattr setpriority ioprio_set clock_settime adjtimex settimeofday
     memfd_create pidfd_open pidfd_send_signal mknod mknodat sync syncfs sysinfo inotify_init1 inotify_add_watch
     flock setxattr getxattr fadvise64 preadv2 mincore`.split(/\s+/),
  );
  const expected: Record<string, string> = {
    flock: 'ENOLCK',
    setxattr: 'EOPNOTSUPP',
    getxattr: 'EOPNOTSUPP',
  };
  for (const [name, error] of Object.entries(told as Record<string, string>)) {
    const unknown = /^(clone3|io_uring_\w+)$/.test(name);
    t.equal(error, expected[name] ?? (unknown ? 'ENOSYS' : 'EPERM'), name);
  }
});

t.test('with no layer at all there is no io_uring either, and no descriptor of the zygote’s', async (t) => {
  const bare = await Lab.start(t, addon, NO_SANDBOX, { pool: NO_POOL });
  const answers = await bare.value(`
    const memory = Buffer.alloc(4096);
    const answers = new Set([sys('io_uring_setup', 1, memory)]);
    for (let fd = 0; fd < 256; fd++) {
      answers.add(sys('io_uring_enter', fd, 1, 0, 0, 0, 0));
      // IORING_REGISTER_BUFFERS is what the zygote may do.
      for (let operation = 1; operation < 40; operation++) answers.add(sys('io_uring_register', fd, operation, memory, 1));
    }
    return { answers: [...answers], rings: openFds().filter(([, target]) => target.includes('io_uring')) };`);
  t.strictSame(answers, { answers: ['ENOSYS'], rings: [] });
});

t.test('a call that is on no list is unknown, as to a kernel that does not have it', async (t) => {
  const names = [
    'openat2', 'landlock_create_ruleset', 'futex_waitv', 'process_mrelease', 'statmount', 'listmount', 'seccomp', 'arch_prctl',
    'set_mempolicy', 'mbind', 'migrate_pages', 'move_pages', 'timer_create', 'timerfd_create', 'signalfd4', 'rt_tgsigqueueinfo',
    'mlock', 'mlockall', 'cachestat', 'getcpu', 'ustat', 'nfsservctl', 'uselib', '_sysctl', 'epoll_ctl_old', 'io_setup', 'io_submit',
    'mseal', 'lsm_get_self_attr', 'rseq',
  ].filter((name) => name in SYSTEM_CALLS && !['process_mrelease', 'getcpu', 'rseq', 'nfsservctl'].includes(name)); // prettier-ignore
  const told = (await compute.value(
    `return params.names.map((name) => [name, sys(name, 0, 0, 0, 0, 0, 0)]).concat([463, 470, 511, 600, 1023, 4096].map((n) => [n, told(raw.call(n, 0, 0))]))`,
    { names },
  )) as [string, string][];
  const others = told.filter(([name, error]) => error !== 'ENOSYS' && name !== 'arch_prctl');
  t.strictSame(others, []);
  t.ok(names.length > 15);
});

t.test('limits can be read, and not set, at whichever address', async (t) => {
  const code = `
    const limit = Buffer.alloc(16, 0xff);
    // An address whose lower half is zero.
    const address = raw.map(-1, 4096, 3, 0x32, params.address);
    raw.fill(address, 0x7f, 16);
    const inForce = () => { const read = Buffer.alloc(16); sys('prlimit64', 0, 7, 0, read); return read.toString('hex'); };
    const before = inForce();
    const told = [sys('prlimit64', 0, 7, 0, limit), sys('prlimit64', 0, 7, limit, 0), sys('prlimit64', 0, 7, address, 0), sys('setrlimit', 7, limit)];
    return [...told, before === inForce()];`;
  for (const from of [compute, exec]) {
    const [read, set, setThere, old, same] = (await from.value(code, {
      address: 0x2_0000_0000n,
    })) as unknown[];
    t.strictSame([read, set, setThere, old, same], [0, 'ENOSYS', 'ENOSYS', 'EPERM', true]);
  }
});

t.test('prctl, ioctl and fcntl do what they are needed for, and nothing else', async (t) => {
  const code = `
    const allowed = (name, from, to, ...args) => Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((n) => sys(name, ...args.map((arg) => arg ?? n)) !== 'ENOSYS');
    const [read] = [fs.openSync('/dev/null')];
    return {
      prctl: allowed('prctl', 1, 80, null, 0, 0, 0, 0),
      terminal: [0x5401, 0x5412, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451, 0x5452, 0x5410, 0x540e, 0x541d, 0x8901].filter((n) => sys('ioctl', read, n, Buffer.alloc(64)) !== 'ENOSYS'),
      fcntl: [...Array(17).keys(), 1024, 1025, 1026, 1029, 1030, 1031, 1032, 1033, 1034, 1035, 1036, 36, 37, 38].filter((n) => sys('fcntl', read, n, 0) !== 'ENOSYS'),
    };`;
  t.strictSame(await compute.value(code), {
    // PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_GET_SECUREBITS, PR_GET_NO_NEW_PRIVS
    prctl: [3, 15, 16, 21, 27, 39],
    // TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX; above all not TIOCSTI (0x5412) and TIOCSETD
    terminal: [0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451],
    // duplicates, flags, the size of a pipe and seals to be read; locks, which there are none of
    fcntl: [0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032, 1034, 36, 37, 38],
  });
});

t.test('the filter can not be taken away, changed or gone around', async (t) => {
  const code = `
    const program = Buffer.alloc(16), code = Buffer.alloc(8);
    code.writeUInt16LE(0x06, 0); code.writeUInt32LE(0x7fff0000, 4);
    return [sys('seccomp', 1, 0, program), sys('prctl', 22, 2, program), sys('seccomp', 1, 8, program), sys('prctl', 22, 0), sys('prctl', 21), field('Seccomp')];`;
  t.strictSame(await compute.value(code), ['ENOSYS', 'ENOSYS', 'ENOSYS', 'ENOSYS', 2, '2']);
});

if (process.arch === 'x64') {
  t.test('the tables of other architectures end the child: int 0x80 and x32', async (t) => {
    for (const from of [compute, exec, alone]) {
      for (const body of [
        'raw.compat(20)', // getpid, harmless by itself
        'raw.compat(21, 0, 0, 0)', // mount there
        'raw.call(0x40000000 + NUMBERS.getpid)',
        'raw.call(0x40000000 + NUMBERS.mount, 0, 0, 0, 0)',
        'raw.call(0x40000000 + 520, 0, 0, 0)', // execve there
      ]) {
        const result = await from.attack(`${body}; return 'it came back'`);
        t.equal(result.status === 'signaled' ? result.signal : result, 'SIGSYS', body);
      }
    }
  });

  t.test('the number counts as the kernel takes it: its upper half does not', async (t) => {
    const { mount } = SYSTEM_CALLS;
    const result = await compute.attack(
      `raw.call(params, 0, 0, 0, 0); return 'it came back'`,
      (1n << 32n) + BigInt(mount!),
    );
    t.equal(result.status === 'forbidden' ? result.syscall : result, 'mount');
  });

  t.test('machine code that was made by hand is under the filter', async (t) => {
    const { getpid, unshare } = SYSTEM_CALLS;
    // mov $number, %eax; mov $0, %edi; syscall; ret
    const code = (number: number): number[] => [
      0xb8,
      number & 0xff,
      number >> 8,
      0,
      0,
      0xbf,
      0,
      0,
      0,
      0,
      0x0f,
      5,
      0xc3,
    ];
    t.equal(await compute.value(`return raw.run(Buffer.from(params))`, code(getpid!)), 2);
    const result = await compute.attack(`return raw.run(Buffer.from(params))`, code(unshare!));
    t.equal(result.status === 'forbidden' ? result.syscall : result, 'unshare');
  });
}

t.test('every thread is under the filter', async (t) => {
  const code = `
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(\`
      const module_ = { exports: {} };
      process.dlopen(module_, \${JSON.stringify(params.addon)});
      module_.exports.call(\${params.number}, 0, 0, 0, 0);
    \`, { eval: true });
    await new Promise((resolve) => worker.on('exit', resolve));
    return 'all done';`;
  const result = await compute.attack(code, { addon, number: SYSTEM_CALLS.chroot });
  t.equal(expectStatus(result, 'forbidden').syscall, 'chroot');
  t.equal(await compute.value(code, { addon, number: SYSTEM_CALLS.getpid }), 'all done');
  const filters = await compute.seen(
    (pid) => readdirSync(`/proc/${pid}/task`).map((thread) => statusOf(pid, 'Seccomp_filters', thread)),
    'await startWorkers();',
  );
  t.ok(filters.length > 4);
  t.strictSame(new Set(filters), new Set(['2']));
});

t.test('so is every program that a child starts', async (t) => {
  const program = compile(t, 'security/call', 'program', HOST_TMP);
  const files = [...(WITH_PROGRAMS.files ?? []), path.dirname(program)];
  const own = await Lab.start(t, addon, { profile: 'exec', files });
  const code = `
    const { spawnSync } = require('node:child_process');
    return spawnSync('/bin/sh', ['-c', 'exec ' + params.program + ' ' + params.number], { encoding: 'utf8' }).stdout.trim();`;
  const pid = await own.value(code, { program, number: SYSTEM_CALLS.getpid });
  t.ok(Number(pid) > 2, String(pid));
  const result = await own.attack(code, { program, number: SYSTEM_CALLS.mount });
  t.equal(expectStatus(result, 'forbidden').syscall, 'mount');
});

t.test(
  'a forbidden call that is interrupted again and again comes back as an error at most, and is told of',
  async (t) => {
    // A signal handler breaks off the wait for what the zygote says of the call: 1000 times a second from a timer.
    const code = `
    process.on('SIGALRM', () => {});
    sys('setitimer', 0, Buffer.from(new BigInt64Array([0n, 1000n, 0n, 1000n]).buffer), 0);
    let others = 0;
    for (let i = 0; i < 1e9; i++) {
      const error = sys('chroot', text('/tmp'));
      if (error === 0) throw new Error('it went through');
      if (error !== 'EINTR' && error !== 'ENOSYS') others++;
    }
    return others;`;
    for (let i = 0; i < 5; i++) {
      const result = await compute.attack(code, undefined, { timeoutMs: 20_000 });
      t.equal(expectStatus(result, 'forbidden').syscall, 'chroot');
    }
  },
);

t.test('many threads that all make forbidden calls are one forbidden child', async (t) => {
  const code = `
    const { Worker } = require('node:worker_threads');
    for (let i = 0; i < 8; i++) new Worker(\`
      const module_ = { exports: {} };
      process.dlopen(module_, \${JSON.stringify(params.addon)});
      require('node:worker_threads').parentPort.once('message', () => { for (;;) module_.exports.call(\${params.number}, 0, 0, 0, 0); });
    \`, { eval: true }).postMessage(1);
    await sleep(20_000);`;
  const result = await compute.attack(code, { addon, number: SYSTEM_CALLS.mount });
  t.equal(expectStatus(result, 'forbidden').syscall, 'mount');
  t.equal(await compute.works(), true);
});

t.test('a result that was sent before the forbidden call does not hide it', async (t) => {
  const code = `
    process.on('exit', () => { sys('mount', 0, 0, 0, 0, 0); });
    return 'all is well';`;
  t.equal(expectStatus(await compute.attack(code), 'forbidden').syscall, 'mount');
});

t.test('the policy says of each group why, and of each profile what it is', (t) => {
  for (const name of ['common', 'compute', 'exec']) {
    const policy = readFileSync(path.join(root, 'seccomp', `${name}.policy`), 'utf8').split('\n');
    const groups = policy.filter((line) => line.startsWith('['));
    t.ok(groups.length >= (name === 'common' ? 12 : 2), name);
    for (const group of groups) t.match(group, /^\[[\w ,]+: .{10,}\]$/, group);
  }
  t.end();
});

t.test('no call is both forbidden or refused, and allowed without a condition', (t) => {
  const actions = new Map<string, Set<string>>();
  for (const name of ['common', 'compute']) {
    for (const line of readFileSync(path.join(root, 'seccomp', `${name}.policy`), 'utf8').split('\n')) {
      const [verb = '', ...words] = line.replace(/#.*/, '').trim().split(/\s+/);
      if (!['allow', 'forbid', 'errno'].includes(verb) || words.includes('if')) continue;
      for (const call of verb === 'errno' ? words.slice(1) : words)
        actions.set(call, (actions.get(call) ?? new Set()).add(verb));
    }
  }
  t.strictSame(
    [...actions].filter(([, verbs]) => verbs.size > 1),
    [],
  );
  t.ok(actions.size > 200);
  t.end();
});
