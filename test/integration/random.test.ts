// In a thousand children of one zygote no random value comes twice, whatever the zygote has drawn before, whoever the
// host is.
import t from 'tap';
import { HostProgram } from '../helpers/host-program.js';
import { asOtherUser } from '../helpers/other-user.js';
import { type Drawn } from '../helpers/random-values.js';

const HELPER = new URL('../helpers/random-values.js', import.meta.url).href;
const CHILDREN = 1000;
/** In each child; those with a worker thread have three more. */
const VALUES = 43;

const isRoot = process.getuid?.() === 0;
const asPid1 = ['--pid', '--fork', '--kill-child', '--mount-proc'];

const hosts: Record<string, readonly string[]> = {
  'the user who runs the tests': [],
  'a user who is not root': asOtherUser(),
  'the first process of a PID namespace': [
    'unshare',
    ...(isRoot ? [] : ['--user', '--map-root-user']),
    ...asPid1,
  ],
};

for (const [who, through] of Object.entries(hosts)) {
  t.test(`the host is ${who}`, async (t) => {
    const source = `import { drawInChildren } from '${HELPER}'; say(await drawInChildren(${CHILDREN}));`;
    const drawn = await new HostProgram(t, source, { through }).next<Drawn>();
    t.strictSame(drawn.repeated.slice(0, 20), []);
    t.equal(drawn.values, CHILDREN * VALUES + (CHILDREN / 10) * 3);
    if (who.includes('not root')) t.not(drawn.uid, 0);
    t.equal(drawn.pid === 1, through[0] === 'unshare' && through.includes('--pid'));
  });
}
