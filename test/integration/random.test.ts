// In a thousand children of one zygote no random value comes twice, whatever the zygote has drawn before; nor in two
// hundred, whoever the host is.
import t from 'tap';
import { HostProgram } from '../helpers/host-program.js';
import { asOtherUser } from '../helpers/other-user.js';
import { type Drawn } from '../helpers/random-values.js';

const HELPER = new URL('../helpers/random-values.js', import.meta.url).href;
/** In each child; those with a worker thread have three more. */
const VALUES = 43;

const isRoot = process.getuid?.() === 0;
const asPid1 = ['--pid', '--fork', '--kill-child', '--mount-proc'];

interface Host {
  readonly through: readonly string[];
  readonly children: number;
}

const hosts: Record<string, Host> = {
  'the user who runs the tests': { through: [], children: 1000 },
  'a user who is not root': { through: asOtherUser(), children: 200 },
  'the first process of a PID namespace': {
    through: ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), ...asPid1],
    children: 200,
  },
};

for (const [who, { through, children }] of Object.entries(hosts)) {
  t.test(`the host is ${who}`, async (t) => {
    const source = `import { drawInChildren } from '${HELPER}'; say(await drawInChildren(${children}));`;
    const drawn = await new HostProgram(t, source, { through }).next<Drawn>();
    t.strictSame(drawn.repeated.slice(0, 20), []);
    t.equal(drawn.values, children * VALUES + (children / 10) * 3);
    if (who.includes('not root')) t.not(drawn.uid, 0);
    t.equal(drawn.pid === 1, through[0] === 'unshare' && through.includes('--pid'));
  });
}
