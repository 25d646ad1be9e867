// The benchmark measures each peer that can be had, and says of each other why it can't.
import t from 'tap';
import { PEER_NAMES, peers, type PeerName } from '../../bench/peers.js';
import { readOptions } from '../../bench/options.js';

const { plan } = readOptions(['--peers', '--parts', '', '--spawns', '5', '--plain', '1']);
const measured = await peers(plan);
const major = Number(process.versions.node.split('.')[0]);

t.test('those that need nothing but npm are measured', (t) => {
  const always: PeerName[] = ['spawn', 'fork', 'snapshot', 'worker', 'piscina', 'tinypool'];
  const wanted: Partial<Record<PeerName, number>> = { parked: 2, onDemand: 2 };
  for (const name of always) wanted[name] = 1;
  if (major >= 22) wanted.compileCache = 1;
  if (major >= 24) wanted.isolatedVm = 2;
  const found = Object.keys(wanted).map((name) => [name, measured.peers[name as PeerName].calls.length]);
  t.same(Object.fromEntries(found), wanted);
  t.end();
});

t.test('a first line comes after the request and before the end', (t) => {
  for (const { name, calls } of Object.values(measured.peers)) {
    for (const { firstLineMs, roundTripMs } of calls)
      t.ok(firstLineMs > 0 && firstLineMs < roundTripMs, `${name}: ${firstLineMs}, ${roundTripMs}`);
  }
  t.end();
});

t.test('each is measured, or it is said why not', (t) => {
  for (const name of PEER_NAMES) {
    const { calls, missing } = measured.peers[name];
    t.equal(calls.length === 0, missing !== undefined, name);
    if (missing !== undefined) t.ok(missing.length > 10, missing);
  }
  t.end();
});
