// The layer `files`: a read-only root of its own with nothing of the host's, and a private /tmp.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Zygote } from '../../lib/index.js';
import { compile } from '../helpers/compile.js';
import { buildRaw, HOST_TMP, hostFolder, Lab, only } from '../helpers/security/lab.js';
import { expectStatus, rejection, WITH_PROGRAMS } from '../helpers/zygote.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);
/** Its children are root with all capabilities, and have no filter. */
const alone = await Lab.start(t, addon, { off: only('files') });
const both = [
  ['all layers', lab],
  ['this layer alone', alone],
] as const;

/** Whoever may start programs has a /proc that is not covered. */
const bothWithPrograms = [
  ['all layers', await Lab.start(t, addon, { profile: 'exec' })],
  ['this layer alone', await Lab.start(t, addon, { off: only('files'), profile: 'exec' })],
] as const;

/** What is left of /proc/self to those who may not. */
const PROC_FILES = ['fd', 'maps', 'stat', 'statm', 'status'];

const WALK = `
  const tree = (folder, found = []) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const file = (folder === '/' ? '' : folder) + '/' + entry.name;
      found.push(file);
      if (entry.isDirectory() && file !== '/proc') tree(file, found);
    }
    return found;
  };`;

for (const [what, from] of both) {
  t.test(`${what}: the root holds what is listed, and the few things that programs expect`, async (t) => {
    const found = (await from.value(`${WALK} return tree('/')`)) as string[];
    const folder = path.dirname(addon);
    t.strictSame(
      found.sort(),
      [
        '/dev',
        ...['full', 'null', 'random', 'urandom', 'zero'].map((name) => `/dev/${name}`),
        ...['fd', 'stdin', 'stdout', 'stderr'].map((name) => `/dev/${name}`),
        '/etc',
        ...['group', 'hosts', 'passwd'].map((name) => `/etc/${name}`),
        '/proc',
        '/run',
        '/run/proc',
        '/run/proc/2',
        '/run/proc/self',
        ...PROC_FILES.map((name) => `/run/proc/self/${name}`),
        '/tmp',
        '/var',
        HOST_TMP,
        folder,
        `${folder}/raw.node`,
      ].sort(),
    );
  });

  t.test(`${what}: nothing of it can be written to`, async (t) => {
    const code = `${WALK}
      const wrong = [];
      const tried = tree('/').filter((file) => !file.startsWith('/tmp'));
      for (const file of tried) {
        const isDirectory = fs.statSync(file).isDirectory();
        const isDevice = file.startsWith('/dev/');
        const attempts = [
          // A process may change no attribute, of a device neither.
          () => fs.chmodSync(file, 0o777), () => fs.chownSync(file, process.getuid(), process.getgid()),
          () => fs.utimesSync(file, 1, 1), () => fs.renameSync(file, file + '-2'),
          () => (isDirectory ? fs.rmdirSync(file) : fs.unlinkSync(file)),
          () => fs.linkSync(file, '/tmp/link'),
        ];
        if (isDirectory) attempts.push(() => fs.writeFileSync(file + '/new', ''), () => fs.mkdirSync(file + '/new'), () => fs.symlinkSync('/', file + '/new'));
        else if (!isDevice) attempts.push(() => fs.writeFileSync(file, ''), () => fs.appendFileSync(file, 'x'), () => fs.truncateSync(file));
        for (const act of attempts) {
          const error = attempt(act);
          if (!['EROFS', 'EACCES', 'EPERM', 'EXDEV', 'EBUSY', 'ENOENT'].includes(error)) wrong.push([file, String(act), error]);
        }
      }
      return { wrong, tried: tried.length };`;
    const { wrong, tried } = (await from.value(code)) as { wrong: unknown[]; tried: number };
    t.strictSame(wrong, []);
    t.ok(tried >= 15);
  });

  t.test(`${what}: /tmp is empty, its own, and nobody else's`, async (t) => {
    const write = `
      const before = fs.readdirSync('/tmp');
      fs.writeFileSync('/tmp/secret', 'of the first');
      console.log(1);
      await new Promise((resolve) => process.stdin.once('data', resolve));
      return { before, after: fs.readdirSync('/tmp'), mode: fs.statSync('/tmp').mode & 0o7777, own: fs.statSync('/tmp').uid === process.getuid() };`;
    const first = await from.spawn(write, undefined, { stdin: 'pipe', stdout: 'pipe' });
    await new Promise((resolve) => first.stdout!.once('data', resolve));
    const look = `const found = fs.readdirSync('/tmp'); fs.writeFileSync('/tmp/other', ''); return found;`;
    t.strictSame(await from.value(look), [], 'a sibling, at the same time');
    first.stdin!.end('on');
    t.strictSame(expectStatus(await first.result, 'ok').value, {
      before: [],
      after: ['secret'],
      mode: 0o700,
      own: true,
    });
    t.strictSame(await from.value(look), [], 'one that comes later');
  });
}

for (const [what, from] of bothWithPrograms) {
  t.test(`${what}: the program of the zygote can not be changed by the way of /proc/self/exe`, async (t) => {
    const before = statSync(process.execPath);
    const told = await from.value(`return [
      () => fs.chmodSync('/proc/self/exe', 0o777), () => fs.chownSync('/proc/self/exe', process.getuid(), process.getgid()),
      () => fs.utimesSync('/proc/self/exe', 1, 1), () => fs.truncateSync('/proc/self/exe', 1),
    ].map((change) => { try { change(); return 'done'; } catch ({ code }) { return code; } })`);
    t.strictSame((told as string[]).slice(0, 3), ['EROFS', 'EROFS', 'EROFS']);
    t.match((told as string[])[3], /EROFS|ETXTBSY|EACCES/);
    const { mode, uid, mtimeMs } = statSync(process.execPath);
    t.strictSame([mode, uid, mtimeMs], [before.mode, before.uid, before.mtimeMs]);
  });
}

t.test('the old root is gone, and not only out of sight', async (t) => {
  // The classic way out of chroot(2), for which it has every capability here.
  const code = `
    const root = fs.openSync('/');
    fs.mkdirSync('/tmp/below');
    const steps = [sys('chroot', text('/tmp/below')), sys('fchdir', root)];
    for (let i = 0; i < 64; i++) sys('chdir', text('..'));
    steps.push(sys('chroot', text('.')));
    return { steps, there: fs.readdirSync('/').sort() };`;
  t.strictSame(await alone.value(code), {
    steps: [0, 0, 0],
    there: ['dev', 'etc', 'proc', 'run', 'tmp', 'var'],
  });
});

t.test('no mount shows a path that is not listed, and no other mount is there', async (t) => {
  const mountinfo = await lab.seen((pid) => readFileSync(`/proc/${pid}/mountinfo`, 'latin1'));
  const mounts = mountinfo
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const points = mounts.map(([, , , , point]) => point);
  const folder = path.dirname(addon);
  const devices = ['null', 'zero', 'full', 'random', 'urandom'].map((name) => `/dev/${name}`);
  t.strictSame(
    [...new Set(points)].sort(),
    ['/', ...devices, '/proc', ...PROC_FILES.map((name) => `/proc/self/${name}`), '/tmp', folder].sort(),
  );
  for (const [, , , , point, options = ''] of mounts) {
    const set = options.split(',');
    t.ok(set.includes('nosuid'), `${point}: nosuid`);
    t.equal(set.includes('ro'), point !== '/tmp', `${point}: read-only`);
    // A device is one, and nothing on it can be executed.
    t.ok(set.includes(point!.startsWith('/dev/') ? 'noexec' : 'nodev'), `${point}: nodev`);
    if (point === '/tmp') t.ok(set.includes('noexec'), `${point}: noexec`);
  }
});

// ---- /tmp

t.test('/tmp has a size, and one who fills it is told so by name', async (t) => {
  const own = await Lab.start(t, addon, { limits: { tmpBytes: 4 * 2 ** 20 } });
  const code = `
    const fd = fs.openSync('/tmp/file', 'w');
    let written = 0;
    try { for (;;) written += fs.writeSync(fd, Buffer.alloc(65536)); } catch (error) { if (params) return [error.code, written]; throw error; }`;
  t.strictSame(await own.value(code, true), ['ENOSPC', 4 * 2 ** 20]);
  const { limit, max } = expectStatus(await own.attack(code, false), 'limitExceeded');
  t.strictSame([limit, max], ['tmpBytes', 4 * 2 ** 20]);
});

t.test('/tmp holds so many files, and no more', async (t) => {
  const code = `let count = 0; try { for (;; count++) fs.mkdirSync('/tmp/' + count); } catch (error) { return [error.code, count]; }`;
  const [code_, count] = (await lab.value(code)) as [string, number];
  t.equal(code_, 'ENOSPC');
  t.ok(count > 1000 && count <= 16_384, String(count));
});

t.test('what is in /tmp is not executed: no program, no script, no library', async (t) => {
  const program = compile(t, 'security/regain', 'program', HOST_TMP);
  const exec = await Lab.start(t, addon, {
    profile: 'exec',
    files: [...(WITH_PROGRAMS.files ?? []), path.dirname(program)],
  });
  const code = `
    const { spawnSync } = require('node:child_process');
    fs.copyFileSync(params.program, '/tmp/program'); fs.chmodSync('/tmp/program', 0o755);
    fs.writeFileSync('/tmp/script', '#!/bin/sh\\necho yes\\n', { mode: 0o755 });
    fs.copyFileSync(params.addon, '/tmp/addon.node');
    fs.symlinkSync(params.program, '/tmp/link');
    const start = (file, ...args) => { const { error, status, stdout } = spawnSync(file, args, { encoding: 'utf8' }); return error?.code ?? (status === 0 ? 'ran' : 'failed'); };
    const loader = fs.readdirSync('/lib64').map((name) => '/lib64/' + name).concat(fs.readdirSync('/lib').map((name) => '/lib/' + name)).find((name) => /\\/ld-linux[^/]*\\.so/.test(name));
    return {
      listed: start(params.program),
      program: start('/tmp/program'),
      script: start('/tmp/script'),
      loader: start(loader, '/tmp/program'),
      link: start('/tmp/link'),
      addon: attempt(() => process.dlopen({ exports: {} }, '/tmp/addon.node')),
    };`;
  t.strictSame(await exec.value(code, { program, addon }), {
    listed: 'ran',
    program: 'EACCES',
    script: 'EACCES',
    loader: 'failed',
    link: 'ran', // which leads to what is listed
    addon: 'ERR_DLOPEN_FAILED',
  });
});

t.test('what a child wrote to its output memory is not executed as a program', async (t) => {
  const program = compile(t, 'security/regain', 'program', HOST_TMP);
  const exec = await Lab.start(t, addon, {
    profile: 'exec',
    files: [...(WITH_PROGRAMS.files ?? []), path.dirname(program)],
  });
  const code = `
    const { spawnSync } = require('node:child_process');
    const fd = outputFd();
    fs.writeSync(fd, fs.readFileSync(params), 0);
    return [
      attempt(() => fs.fchmodSync(fd, 0o755)),
      spawnSync('/proc/self/fd/9', { stdio: ['ignore', 'ignore', 'ignore', , , , , , , fd] }).error?.code,
      sys('execveat', fd, text(''), 0, 0, 0x1000),
    ];`;
  const told = (await exec.value(code, program)) as string[];
  t.equal(told[0], 'EPERM');
  for (const error of told.slice(1)) t.ok(['EACCES', 'EFAULT'].includes(error), error);
});

t.test('a device that root makes in /tmp is none', async (t) => {
  const code = `
    return [sys('mknod', text('/tmp/zero'), 0o20666, 0x105), attempt(() => fs.openSync('/tmp/zero'))]`;
  t.strictSame(await alone.value(code), [0, 'EACCES']);
  t.equal(await lab.value(`return sys('mknod', text('/tmp/zero'), 0o20666, 0x105)`), 'EPERM');
});

// ---- what is listed

t.test('links lead nowhere else', async (t) => {
  const folder = hostFolder(t);
  const outside = hostFolder(t);
  writeFileSync(path.join(outside, 'secret'), 'secret');
  writeFileSync(path.join(folder, 'text'), 'text');
  symlinkSync(path.join(outside, 'secret'), path.join(folder, 'absolute'));
  symlinkSync(`../${path.basename(outside)}/secret`, path.join(folder, 'relative'));
  symlinkSync('/proc/self/root/etc/shadow', path.join(folder, 'through-proc'));
  symlinkSync('/etc/shadow', path.join(folder, 'shadow'));
  const own = await Lab.start(t, addon, { files: [folder] });
  const code = `
    const read = (file) => attempt(() => fs.readFileSync(file, 'utf8'));
    fs.symlinkSync('/etc/shadow', '/tmp/shadow');
    fs.symlinkSync(params.outside, '/tmp/outside');
    return {
      listed: ['text', 'absolute', 'relative', 'through-proc', 'shadow'].map((name) => read(params.folder + '/' + name)),
      made: ['/tmp/shadow', '/tmp/outside/secret', params.folder + '/../' + params.outside.split('/').at(-1) + '/secret', '/../../../etc/shadow', '/proc/self/root/etc/shadow', '/proc/self/cwd/etc/shadow'].map(read),
      hard: attempt(() => fs.linkSync(params.folder + '/text', '/tmp/text')),
      up: attempt(() => fs.readdirSync(params.folder + '/../..')),
    };`;
  const { listed, made, hard, up } = (await own.value(code, { folder, outside })) as Record<string, string[]>;
  t.strictSame(listed, ['text', 'ENOENT', 'ENOENT', 'ENOENT', 'ENOENT']);
  t.strictSame(made, Array(6).fill('ENOENT'));
  t.equal(hard, 'EXDEV');
  t.strictSame(up, ['tmp'], 'of the folders above only what leads to those that are listed');
});

t.test('what is mounted below a listed folder is read-only, too', async (t) => {
  const folder = hostFolder(t);
  const mount = path.join(folder, 'mounted');
  mkdirSync(mount);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mount]);
  t.teardown(() => execFileSync('umount', [mount]));
  chmodSync(mount, 0o777);
  writeFileSync(path.join(mount, 'file'), 'text', { mode: 0o666 });
  for (const off of [[], only('files')]) {
    const own = await Lab.start(t, addon, { files: [folder], off });
    const code = `return [fs.readFileSync(params + '/file', 'utf8'), attempt(() => fs.writeFileSync(params + '/file', '')), attempt(() => fs.writeFileSync(params + '/new', ''))]`;
    t.strictSame(await own.value(code, mount), ['text', 'EROFS', 'EROFS']);
  }
});

t.test('set-user-ID files and devices in a listed folder are plain files', async (t) => {
  const folder = hostFolder(t);
  execFileSync('mknod', ['-m', '666', path.join(folder, 'zero'), 'c', '1', '5']);
  const own = await Lab.start(t, addon, { files: [folder], off: only('files') });
  t.equal(await own.value(`return attempt(() => fs.openSync(params + '/zero'))`, folder), 'EACCES');
});

t.test('a child can not tell a sibling anything by the times or links of a listed file', async (t) => {
  const folder = hostFolder(t);
  const file = path.join(folder, 'file');
  writeFileSync(file, 'text', { mode: 0o666 });
  chmodSync(file, 0o666);
  linkSync(file, path.join(folder, 'second-name'));
  const before = statSync(file);
  for (const off of [[], only('files')]) {
    const own = await Lab.start(t, addon, { files: [folder], off });
    await own.value(
      `fs.readFileSync(params); attempt(() => fs.utimesSync(params, 1, 1)); sys('utimensat', -100, text(params), 0, 0);`,
      file,
    );
  }
  const after = statSync(file);
  for (const key of ['atimeMs', 'mtimeMs', 'ctimeMs', 'nlink', 'mode', 'uid'] as const)
    t.equal(after[key], before[key], key);
  t.equal(await lab.value(`return sys('utimensat', -100, text('/dev/null'), 0, 0)`), 'EROFS');
  t.equal(await alone.value(`return sys('utimensat', -100, text('/dev/null'), 0, 0)`), 'EROFS');
});

t.test('a path that a child has of its own, or that is not plain, can not be listed', async (t) => {
  for (const file of [
    '/',
    '/proc',
    '/proc/sys',
    '/dev',
    '/dev/shm',
    '/tmp',
    '/tmp/x',
    '/usr/../tmp',
    'usr',
    '/a//b',
  ]) {
    const error = await rejection(Zygote.start({ preload: [], sandbox: { files: [file] } }));
    t.equal(error.code, 'ERR_INVALID_OPTION', file);
  }
  const many = Array.from({ length: 65 }, (_, i) => `/usr/${i}`);
  t.equal(
    (await rejection(Zygote.start({ preload: [], sandbox: { files: many } }))).code,
    'ERR_INVALID_OPTION',
  );
});

t.test('a listed path that is not there is an error that names it', async (t) => {
  const error = await rejection(Zygote.start({ preload: [], sandbox: { files: ['/var/tmp/not-there'] } }));
  t.equal(error.code, 'ERR_SANDBOX_UNAVAILABLE');
  t.match(error.message, /\/var\/tmp\/not-there.*ENOENT|\/var\/tmp\/not-there.*No such file/);
});

t.test("the caller's own /etc can be shown in place of the child's", async (t) => {
  const own = await Lab.start(t, addon, { files: ['/etc'] });
  t.ok(((await own.value(`return fs.readdirSync('/etc').length`)) as number) > 3);
});

// ---- /proc

for (const [what, from] of both) {
  t.test(`${what}: of /proc/self there is what depends on nobody else, and nothing more`, async (t) => {
    const told = await from.value(
      `return [fs.readdirSync('/proc'), fs.readdirSync('/proc/self'), fs.readdirSync('/proc/2')].map((names) => names.sort())`,
    );
    t.strictSame(told, [['2', 'self'], PROC_FILES, PROC_FILES]);
    // What says how many processes have a page, how many descriptors there are, what the host's sockets do; by each way.
    const hidden =
      'smaps,smaps_rollup,numa_maps,pagemap,map_files,fdinfo,fdinfo/0,net,net/sockstat,task,task/2/smaps,mem,exe,cwd,root,ns,mountinfo,io,schedstat';
    const code = `return ['/proc/self/', '/proc/2/', '/proc/thread-self/', '/proc/self/fd/../', '/dev/fd/../', '/proc/self/../2/', '/run/proc/self/']
      .flatMap((way) => params.split(',').map((name) => attempt(() => fs.lstatSync(way + name))))`;
    t.strictSame(new Set((await from.value(code, hidden)) as string[]), new Set(['ENOENT']));
  });

  t.test(`${what}: what is left of /proc/self is its own, and works`, async (t) => {
    const code = `
      const status = field('Pid');
      fs.writeFileSync('/tmp/file', 'own');
      const fd = fs.openSync('/tmp/file');
      return [status, process.memoryUsage().rss > 2 ** 20, fs.readFileSync('/dev/fd/' + fd, 'utf8'), fs.readFileSync('/dev/stdin', 'utf8'), lines('/proc/self/maps').length > 10];`;
    t.strictSame(await from.value(code), ['2', true, 'own', '', true]);
  });
}

t.test('/proc has processes, of these its own, and nothing of the machine', async (t) => {
  const names =
    'meminfo,kcore,kallsyms,kmsg,sys,sysrq-trigger,cpuinfo,loadavg,stat,uptime,mounts,net,modules,version,cmdline,keys,key-users,timer_list,fs,bus,interrupts,locks,swaps,vmstat,slabinfo,self/../sys';
  const code = `return params.split(',').map((name) => attempt(() => fs.readFileSync('/proc/' + name, 'utf8').slice(0, 20)))`;
  for (const [what, from] of [...both, ...bothWithPrograms]) {
    const told = (await from.value(code, names)) as string[];
    t.strictSame(new Set(told), new Set(['ENOENT']), `${what}: ${told.join()}`);
  }
});

t.test('nothing in /proc/self can be written to', async (t) => {
  const names =
    'oom_score_adj,oom_adj,mem,coredump_filter,clear_refs,timerslack_ns,uid_map,gid_map,setgroups,projid_map,attr/current,attr/exec,comm,loginuid,sched,autogroup,make-it-fail,task/2/comm,task/2/mem';
  const code = `return params.split(',').filter((name) => { try { fs.writeSync(fs.openSync('/proc/self/' + name, 'r+'), '0'); return true; } catch { return false; } })`;
  for (const [what, from] of [...both, ...bothWithPrograms])
    t.strictSame(await from.value(code, names), [], what);
});

t.test('what /proc/self leads to is its own, too', async (t) => {
  const code = `
    const look = (name) => attempt(() => fs.readlinkSync('/proc/self/' + name));
    return {
      cwd: look('cwd'), root: look('root'), rootHolds: fs.readdirSync('/proc/self/root').sort(),
      // Only the file of the program itself, which is no part of the root.
      exe: fs.openSync('/proc/self/exe') > 2,
      folder: attempt(() => fs.readdirSync('/proc/self/exe/..')),
      mapped: attempt(() => fs.openSync('/proc/self/map_files/' + fs.readdirSync('/proc/self/map_files')[0])),
    };`;
  const told = (await bothWithPrograms[0][1].value(code)) as Record<string, unknown>;
  t.strictSame(
    { ...told, mapped: undefined },
    {
      cwd: '/',
      root: '/',
      rootHolds: ['dev', 'etc', 'proc', 'run', 'tmp', 'var'],
      exe: true,
      folder: 'ENOTDIR',
      mapped: undefined,
    },
  );
  t.ok(['EPERM', 'EACCES', 'ENOENT'].includes(String(told.mapped)), String(told.mapped));
});

t.test('with the layer off a child sees what the host sees', async (t) => {
  const folder = hostFolder(t);
  copyFileSync('/etc/hostname', path.join(folder, 'file'));
  const without = await Zygote.start({ preload: [], sandbox: { off: ['files'] } });
  t.teardown(() => without.close());
  const { value } = await without.run(
    `module.exports = ({ params }) => require('node:fs').existsSync(params)`,
    { params: path.join(folder, 'file') },
  );
  t.equal(value, true);
});
