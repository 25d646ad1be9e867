// A zygote of the profile `network` that can't have its network does not start, and says what to change.
import t from 'tap';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { ALLOWED, canHaveNetworks, TestNetwork } from '../helpers/network.js';
import { asOtherUser, withoutCapabilities } from '../helpers/other-user.js';

const skip = canHaveNetworks();
t.setTimeout(120_000);

const START = `await Zygote.start({ preload: [], sandbox: { profile: 'network', network: { allow: [{ to: '${ALLOWED}', ports: 80 }] } } })
  .then(() => say('started'), ({ code, message }) => say({ code, message })); process.exit();`;

t.test('where the host does not forward, it names the setting', { skip }, async (t) => {
  const network = await TestNetwork.make(t, { forwarding: false });
  const before = network.state();
  const host = new HostProgram(t, START, { through: network.through });
  t.match(await host.next(), {
    code: 'ERR_SANDBOX_UNAVAILABLE',
    message: /sysctl -w net\.ipv4\.conf\.eth0\.forwarding=1/,
  });
  t.equal(network.state(), before, 'and changes nothing');
});

t.test('nor does a Renderer whose fetch() is to have one', { skip }, async (t) => {
  const network = await TestNetwork.make(t, { forwarding: false });
  const start = `const { Renderer } = await import(${JSON.stringify(new URL('../../renderer/index.js', import.meta.url).href)});
    const sandbox = { profile: 'network', network: { allow: [{ to: '${ALLOWED}', ports: 80 }] } };
    await Renderer.start({ fetch: { sandbox } }).then(() => say('started'), ({ code }) => say(code)); process.exit();`;
  t.equal(await new HostProgram(t, start, { through: network.through }).next(), 'ERR_SANDBOX_UNAVAILABLE');
});

t.test('forwarding of the link that leads outside is enough', { skip }, async (t) => {
  const network = await TestNetwork.make(t, { forwarding: false });
  network.set('net/ipv4/conf/eth0/forwarding', 1);
  t.equal(await new HostProgram(t, START, { through: network.through }).next(), 'started');
});

t.test('a host that is not root is told that it has to be', async (t) => {
  const host = new HostProgram(t, START, { through: asOtherUser() });
  t.match(await host.next(), { code: 'ERR_SANDBOX_UNAVAILABLE', message: /root/ });
});

t.test('without CAP_NET_ADMIN it names the capability', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const through = [...network.through, ...withoutCapabilities('net_admin')];
  const host = new HostProgram(t, START, { through });
  t.match(await host.next(), { code: 'ERR_SANDBOX_UNAVAILABLE', message: /CAP_NET_ADMIN/ });
});

t.test('two zygotes of a host have their own links and addresses, side by side', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const host = new HostProgram(
    t,
    `const options = { preload: [], sandbox: { profile: 'network', network: { allow: [{ to: '${ALLOWED}', ports: 80 }] } } };
    const zygotes = await Promise.all([Zygote.start(options), Zygote.start(options)]);
    const get = "module.exports = async () => (await fetch('http://${ALLOWED}/')).text()";
    const values = (await Promise.all(zygotes.map((zygote) => zygote.run(get)))).map(({ value }) => value);
    await zygotes[0].close();
    values.push((await zygotes[1].run(get)).value);
    say(values);
    await zygotes[1].close();`,
    { through: network.through },
  );
  const values = await host.next<readonly string[]>();
  t.equal(values.filter((value) => value.startsWith(`hello from ${ALLOWED}`)).length, 3);
});

t.test(
  'hosts side by side take addresses that are free, and are told when there are none',
  { skip },
  async (t) => {
    const network = await TestNetwork.make(t);
    const addresses = '198.18.0.0/23';
    // All of the half that is for links are taken, but for one.
    const FREE = 77;
    network.inHost(
      'sh',
      '-c',
      `for last in $(seq 255); do [ $last = ${FREE} ] || echo route add 198.18.0.$last/32 dev lo; done | ip -batch -`,
    );
    const options = JSON.stringify({
      preload: [],
      sandbox: { profile: 'network', network: { addresses, allow: [{ to: ALLOWED, ports: 80 }] } },
    });
    const start = `const zygote = (globalThis.zygote = await Zygote.start(${options}).catch(({ code, message }) => ({ code, message })));
    say(zygote.code ? { code: zygote.code, message: zygote.message } : (await zygote.run("module.exports = async () => (await fetch('http://${ALLOWED}/')).text()")).value);
    setInterval(() => {}, 1000);`;
    const first = new HostProgram(t, start, { through: network.through });
    t.match(await first.next(), /^hello from/);
    t.match(network.inHost('ip', 'route', 'show', `198.18.0.${FREE}`), /dev nspawn/);
    const second = new HostProgram(t, start, { through: network.through });
    t.match(await second.next(), {
      code: 'ERR_SANDBOX_UNAVAILABLE',
      message: /Cannot assign requested address.*sandbox\.network\.addresses/s,
    });
    process.kill(first.pid, 'SIGKILL');
    t.ok(
      await eventually(
        'its address is free again',
        () => network.inHost('ip', 'route', 'show', `198.18.0.${FREE}`).trim() === '',
      ),
    );
    t.match(await new HostProgram(t, start, { through: network.through }).next(), /^hello from/);
  },
);
