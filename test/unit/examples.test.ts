// What manifests of the examples ask for is what docs/embedding.md says that it is for, and nothing else.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseAllDocuments } from 'yaml';

const ROOT = new URL('../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

interface Manifest {
  readonly kind: string;
  readonly spec: {
    readonly scaleTargetRef?: unknown;
    readonly template: {
      readonly spec: { readonly hostUsers: unknown; readonly containers: readonly Container[] };
    };
  };
  readonly metadata: { readonly name: string };
}

interface Container {
  readonly securityContext: object & {
    readonly capabilities: { readonly drop: unknown; readonly add: string[] };
  };
}

/** @throws if it is not YAML */
const manifests = (file: string): Manifest[] =>
  parseAllDocuments(read(file)).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as Manifest;
  });

const table = read('docs/embedding.md').split('| privilege | for |')[1]?.split('\n\n')[0] ?? '';
const documented = [...table.matchAll(/`([A-Z]+(?:_[A-Z]+)?)`(?=[,| ].*\|)/g)].map(([, name]) => name);

for (const example of ['renderer-service', 'renderer-workers']) {
  t.test(`${example} asks for the documented privileges`, (t) => {
    const deployment = manifests(`examples/${example}/kubernetes.yaml`).find(
      ({ kind }) => kind === 'Deployment',
    );
    const { hostUsers, containers } = deployment!.spec.template.spec;
    t.equal(hostUsers, false);
    t.equal(containers.length, 1);
    const { capabilities, ...others } = containers[0]!.securityContext;
    t.strictSame(capabilities.drop, ['ALL']);
    t.strictSame(new Set(capabilities.add), new Set(documented.filter((name) => name !== 'RLIMIT_DATA')));
    t.strictSame(others, {
      allowPrivilegeEscalation: false,
      procMount: 'Unmasked',
      seccompProfile: { type: 'Unconfined' },
      appArmorProfile: { type: 'Unconfined' },
    });
    t.end();
  });
}

t.test('workers are scaled by the deployment that there is', (t) => {
  const [deployment, scaled] = manifests('examples/renderer-workers/kubernetes.yaml');
  t.match(scaled, { kind: 'ScaledObject', spec: { scaleTargetRef: { name: deployment?.metadata.name } } });
  t.end();
});
