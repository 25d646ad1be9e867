// The host's network namespace is as it was before, whatever ended a zygote of the profile `network`.
import t from 'tap';
import type { Test } from 'tap';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { ALLOWED, canHaveNetworks, PROBES, TestNetwork } from '../helpers/network.js';
import { startZygoteText } from '../helpers/network-host.js';
import { onlyStubsHaveLinks, processOf } from '../helpers/network-processes.js';

const skip = canHaveNetworks();
t.setTimeout(290_000);

interface Running {
  readonly network: TestNetwork;
  readonly before: string;
  readonly host: HostProgram;
}

/** A host with a child that holds a connection, in a namespace whose state before is known. */
async function start(t: Test): Promise<Running> {
  const network = await TestNetwork.make(t);
  const before = network.state();
  const code = `${PROBES}\nexport default async () => {
    const socket = net.connect(81, '${ALLOWED}');
    await new Promise((resolve) => socket.once('data', resolve));
    console.log('connected');
    await new Promise(() => {});
  };`;
  const host = new HostProgram(
    t,
    `${startZygoteText({ network: { allow: [{ to: ALLOWED, ports: 81 }] } })}
    const child = await zygote.spawn(${JSON.stringify(code)});
    child.result.catch(() => {});
    child.stdout.once('data', () => say('connected'));
    process.once('SIGUSR2', async () => { await zygote.close(); say('closed'); });
    setInterval(() => {}, 1000);`,
    { through: network.through },
  );
  await host.next();
  t.not(network.state(), before, 'there is something that could be left');
  return { network, before, host };
}

function isNow({ network, before }: Running): Promise<true> {
  return eventually('the namespace is as before', () => (network.state() === before ? true : undefined));
}

t.test('nothing is left after close(), as soon as it resolves', { skip }, async (t) => {
  const running = await start(t);
  process.kill(running.host.pid, 'SIGUSR2');
  t.equal(await running.host.next(), 'closed');
  t.equal(running.network.state(), running.before);
});

t.test('nothing is left after SIGKILL of the host', { skip }, async (t) => {
  const running = await start(t);
  process.kill(running.host.pid, 'SIGKILL');
  t.ok(await isNow(running));
});

for (const which of ['launcher', 'init', 'zygote'] as const) {
  t.test(`nothing is left after SIGKILL of the ${which}`, { skip }, async (t) => {
    const running = await start(t);
    process.kill(processOf(running.host.pid, which), 'SIGKILL');
    t.ok(await isNow(running));
  });
}

t.test('a child leaves no link in the namespace of the router', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const host = new HostProgram(
    t,
    `${startZygoteText({})}
    for (let i = 0; i < 20; i++) await zygote.run('module.exports = () => 1');
    say('ran');
    setInterval(() => {}, 1000);`,
    { through: network.through },
  );
  await host.next();
  const init = processOf(host.pid, 'init');
  t.ok(await eventually('the links of the dead are gone', () => onlyStubsHaveLinks(init)));
});

t.test('a zygote that can not start leaves nothing', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const before = network.state();
  const host = new HostProgram(
    t,
    `await Zygote.start({ preload: ['./there-is-no-such-module'], from: FIXTURES, sandbox: { profile: 'network' } })
      .then(() => say('started'), (error) => say(error.code));`,
    { through: network.through },
  );
  t.equal(await host.next(), 'ERR_PRELOAD_FAILED');
  t.ok(await eventually('the namespace is as before', () => (network.state() === before ? true : undefined)));
});
