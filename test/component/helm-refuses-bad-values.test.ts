import t from 'tap';
import { EVERYTHING, LEAST, WITH_SIGNER } from '../helpers/chart-values.ts';
import { openHelm } from '../helpers/helm.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const helm = openHelm({ directory: temporaryDirectory(t) });
const [mesh] = WITH_SIGNER.meshes;

const REFUSED: readonly (readonly [what: string, values: object, told: string])[] = [
  ['nothing', {}, 'image.repository is not set: name the image of meshcert that you built, with its registry'],
  ['no image', { meshes: LEAST.meshes }, 'image.repository is not set'],
  ['no mesh', { image: LEAST.image }, 'meshes is empty: give at least one Mesh document (docs/helm.md)'],
  [
    'a mesh without a name',
    { ...LEAST, meshes: [{ type: 'Mesh', mtls: { backends: [] } }] },
    'meshes: one of them has no name',
  ],
  [
    'two meshes of one name',
    { ...WITH_SIGNER, meshes: [mesh, { ...mesh, mtls: {} }] },
    'meshes: two of them have the name "default"',
  ],
  [
    'a builtin CA that nobody holds',
    { ...LEAST, meshes: [mesh] },
    'the mesh "default" has a builtin backend, whose key no pod should hold: set signer.enabled to true',
  ],
  [
    'a signer without a CA',
    { ...LEAST, signer: { enabled: true } },
    'signer.enabled is true, and no backend of meshes is of type builtin or provided',
  ],
  ['a misspelt part', { ...LEAST, webhok: {} }, "additional properties 'webhok' not allowed"],
  [
    'a misspelt value',
    { ...LEAST, webhook: { replica: 3 } },
    "at '/webhook': additional properties 'replica' not allowed",
  ],
  [
    'a misspelt value of the agents',
    { ...LEAST, agent: { trustdomain: 'example.org' } },
    "at '/agent': additional properties 'trustdomain' not allowed",
  ],
  [
    "what each pod's agent has of its own",
    { ...LEAST, agent: { service: 'web' } },
    "at '/agent': additional properties 'service' not allowed",
  ],
  [
    'another word',
    { ...LEAST, webhook: { failurePolicy: 'fail' } },
    "at '/webhook/failurePolicy': value must be one of 'Fail', 'Ignore'",
  ],
  ['no replica', { ...LEAST, webhook: { replicas: 0 } }, "at '/webhook/replicas': minimum: got 0, want 1"],
  ['text for a flag', { ...LEAST, inspect: { enabled: 'yes' } }, "at '/inspect/enabled': got string, want boolean"],
  [
    'a digest that is none',
    { ...LEAST, image: { ...LEAST.image, digest: 'sha256:12' } },
    "at '/image/digest': 'sha256:12' does not match pattern",
  ],
  [
    'a duration that is none',
    { ...LEAST, webhook: { certificateExpiration: '30 days' } },
    "at '/webhook/certificateExpiration': '30 days' does not match pattern",
  ],
  ['a mesh that is text', { ...LEAST, meshes: ['default'] }, "at '/meshes/0': got string, want object"],
];

for (const [what, values, told] of REFUSED) {
  t.test(what, async (t) => {
    const { code, stdout, stderr } = await helm.template(values);
    t.equal(code, 1);
    t.equal(stdout, '');
    t.ok(stderr.includes(told), stderr);
    t.notMatch(stderr, /nil pointer|goroutine|<nil>/);
  });
}

t.test('a signer that is elsewhere may hold a builtin CA', async (t) => {
  const values = { ...LEAST, meshes: [mesh], agent: { signer: { namespace: 'security' } } };
  t.equal((await helm.template(values)).code, 0);
});

t.test('an older Kubernetes than the chart is for', async (t) => {
  const { code, stderr } = await helm.template(EVERYTHING, { kubeVersion: '1.24.0' });
  t.equal(code, 1);
  t.match(stderr, 'chart requires kubeVersion: >=1.25.0-0');
});
