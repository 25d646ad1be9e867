// `nodespawner doctor`: what this machine gives, and what it says where something is missing.
import t from 'tap';
import { SANDBOX_LAYERS } from '../../lib/layers.js';
import { cli } from '../helpers/cli.js';
import { compile } from '../helpers/compile.js';
import { asOtherUser, withoutCapabilities } from '../helpers/other-user.js';

const deny = compile(t, 'security/deny', 'program');

interface Told {
  readonly ok: boolean;
  readonly checks: readonly { name: string; state: string; found: string; fix?: string }[];
  readonly layers: readonly { name: string; isOn: boolean; reason?: string }[];
  readonly sandbox: { ownIds: boolean; layers: string[] } | null;
}

async function told(
  args: readonly string[],
  through: readonly string[] = [],
): Promise<Told & { code: unknown }> {
  const { code, stdout, stderr } = await cli(['doctor', '--json', ...args], { through });
  if (stderr !== '') throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as Told) };
}

const pinnedMemory = ({ checks }: Told): unknown => checks.find(({ name }) => name === 'pinned memory');

t.test('here everything is on: each layer is named, for people and as JSON', async (t) => {
  const { code, stdout } = await cli(['doctor']);
  t.equal(code, 0);
  t.match(stdout, `layers on: ${SANDBOX_LAYERS.join(', ')}\n`);
  t.match(stdout, /✓ zygote +started in/);
  const found = await told([]);
  t.match(found, { code: 0, ok: true, sandbox: { layers: [...SANDBOX_LAYERS] } });
  t.ok(found.layers.every(({ isOn }) => isOn));
  t.notOk(
    found.checks.some(({ name }) => name.startsWith('network')),
    'of a profile that is not asked for',
  );
  t.same(
    found.checks.filter(({ state }) => state === 'missing'),
    [],
  );
  t.match(pinnedMemory(found), { state: 'ok' });
});

t.test('a layer that was switched off is not said to be on', async (t) => {
  const found = await told(['--off', 'uts']);
  t.equal(found.code, 0);
  t.same(
    found.layers.filter(({ isOn }) => !isOn),
    [{ name: 'uts', isOn: false }],
  );
});

t.test('another user: it works, and what is weaker is said', async (t) => {
  const found = await told([], asOtherUser());
  t.match(found, { code: 0, ok: true, sandbox: { ownIds: false } });
  t.match(
    found.checks.find(({ name }) => name === 'ids of their own'),
    { state: 'weaker', fix: /run as root/ },
  );
});

t.test('where no memory can be pinned it works, and why it is slower is said', async (t) => {
  const limited = await told([], [...withoutCapabilities('ipc_lock'), 'prlimit', '--memlock=1000000']);
  t.match(limited, { code: 0, ok: true });
  t.match(pinnedMemory(limited), {
    state: 'weaker',
    found: /io_uring_register: ENOMEM, RLIMIT_MEMLOCK 1000000$/,
    fix: /--ulimit memlock=-1/,
  });
  const denied = await told([], [deny, 'io_uring_setup', '--']);
  t.match(denied, { code: 0, ok: true });
  t.match(pinnedMemory(denied), {
    state: 'weaker',
    found: /io_uring_setup: EPERM/,
    fix: /kernel\.io_uring_disabled/,
  });
});

t.test('--profile network: what it needs has lines of its own', async (t) => {
  const found = await told(['--profile', 'network'], asOtherUser());
  t.match(found, { code: 1, ok: false });
  const lines = found.checks.filter(({ name }) => name.startsWith('network: '));
  t.match(lines, [
    { name: 'network: user', state: 'missing', fix: /root/ },
    { name: 'network: capability', state: 'missing', fix: /NET_ADMIN/ },
    { name: 'network: kernel' },
    { name: 'network: forwarding' },
  ]);
  t.notOk(
    (await told([])).checks.some(({ name }) => name.startsWith('network')),
    'and no others do',
  );
});

t.test(
  'user namespaces that are used up: what is missing, each layer by itself, and what to change',
  async (t) => {
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
    const found = await told([], ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh']);
    t.match(found, { code: 1, ok: false, sandbox: null });
    const missing = found.checks.filter(({ state }) => state === 'missing');
    t.match(missing, [
      { name: 'namespaces', found: /user: none may be made/, fix: /user\.max_user_namespaces/ },
      { name: 'zygote', found: /CLONE_NEWUSER/, fix: /user\.max_user_namespaces/ },
    ]);
    t.match(
      found.layers.find(({ name }) => name === 'user'),
      { isOn: false, reason: /CLONE_NEWUSER/ },
    );
  },
);

t.test(
  'as in a container whose filter refuses mounts: Docker and Kubernetes are told what to give',
  async (t) => {
    const { code, stdout } = await cli(['doctor'], { through: [deny, 'mount', '--'] });
    t.equal(code, 1);
    t.match(stdout, /✗ zygote .*mount.*\n.*change:.*in Docker: --cap-add=SYS_ADMIN/);
    t.match(stdout, /✗ files +.*mount/);
    t.match(stdout, /Kubernetes: securityContext/);
  },
);
