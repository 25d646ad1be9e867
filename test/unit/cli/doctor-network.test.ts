// What doctor says of the profile `network`, by what the kernel tells.
import t from 'tap';
import type { Check } from '../../../cli/doctor/check.js';
import { network, type Machine } from '../../../cli/doctor/network.js';

const FILES: Readonly<Record<string, string>> = {
  '/proc/self/status': 'Name:\tnode\nCapEff:\t0000000000001000\nSeccomp:\t0',
  '/sys/module/veth/refcnt': '0',
  '/proc/net/route':
    'Iface\tDestination\tGateway\neth0\t00000000\t0100000A\neth0\t0000000A\t00000000\nnspawn1\t0100C612\t0\neth1\t0A\t0',
  '/proc/sys/net/ipv4/conf/eth0/forwarding': '1',
  '/proc/sys/net/ipv4/conf/eth1/forwarding': '1',
  '/proc/sys/net/ipv4/conf/nspawn1/forwarding': '0',
};

function told(
  files: Readonly<Record<string, string>> = {},
  others: Partial<Machine> = {},
): Record<string, Check> {
  const all = { ...FILES, ...files };
  const checks = network({ uid: 0, release: '6.1.0-13-amd64', read: (file) => all[file], ...others });
  return Object.fromEntries(checks.map((check) => [check.name.replace('network: ', ''), check]));
}

t.test('where all is there, each has a line and nothing is to be changed', (t) => {
  t.match(told(), {
    user: { state: 'ok' },
    capability: { state: 'ok', found: 'CAP_NET_ADMIN' },
    kernel: { state: 'info', found: /nf_tables built in or not loaded yet, veth loaded; no program/ },
    forwarding: { state: 'ok', found: 'on for eth0, eth1' },
  });
  t.end();
});

t.test('what is missing is said, with what to change', (t) => {
  t.match(told({}, { uid: 1000 }).user, { state: 'missing', found: 'uid 1000', fix: /root/ });
  const capabilities = 'CapPrm:\tffffffffffffffff\nCapEff:\tffffffffffffefff';
  t.match(told({ '/proc/self/status': capabilities }).capability, {
    state: 'missing',
    fix: /--cap-add=NET_ADMIN.*capabilities\.add: \[NET_ADMIN\]/,
  });
  t.match(told({}, { release: '5.10.0' }).kernel, { state: 'missing', fix: /5\.12/ });
  t.match(told({ '/proc/sys/net/ipv4/conf/eth1/forwarding': '0' }).forwarding, {
    state: 'weaker',
    found: /^off for eth1: /,
    fix: /^sysctl -w net\.ipv4\.conf\.eth1\.forwarding=1; /,
  });
  t.match(told({ '/proc/net/route': 'Iface\tDestination' }).forwarding, { state: 'info', fix: undefined });
  t.end();
});
