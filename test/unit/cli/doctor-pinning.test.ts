// What doctor says of memory that can't be pinned, by what the zygote told.
import t from 'tap';
import { pinning } from '../../../cli/doctor/pinning.js';

t.test('each reason has its own change', (t) => {
  const told = (step: string, errno: string) => pinning({ isPinned: false, step, errno });
  const asked = (step: string, errno: string) => ({
    state: 'weaker',
    found: new RegExp(`${step}: ${errno}`),
  });
  t.match(told('io_uring_setup', 'ENOMEM'), { ...asked('io_uring_setup', 'ENOMEM'), fix: /RLIMIT_MEMLOCK/ });
  for (const errno of ['EPERM', 'EACCES', 'ENOSYS'])
    t.match(told('io_uring_setup', errno), {
      ...asked('io_uring_setup', errno),
      fix: /io_uring_disabled.*seccomp/,
    });
  t.match(told('scout', 'ENODATA'), { ...asked('scout', 'ENODATA'), fix: /CONFIG_PROC_PAGE_MONITOR/ });
  t.match(told('pipe2', 'EMFILE'), { ...asked('pipe2', 'EMFILE'), fix: /RLIMIT_NOFILE/ });
  t.match(told('io_uring_register', 'EIO'), { ...asked('io_uring_register', 'EIO'), fix: /bug/ });
  t.end();
});

t.test('what is as it should be, or not known, is nothing to change', (t) => {
  t.match(pinning({ isPinned: true }), { state: 'ok', fix: undefined });
  t.match(pinning(undefined), { state: 'info', fix: undefined });
  t.end();
});
