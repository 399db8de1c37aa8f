import t from 'tap';
import type { Config } from '../../../src/config/config.ts';
import { type EnvoyOptions, planEnvoy } from '../../../src/envoy/plan.ts';
import { AgentError } from '../../../src/errors.ts';
import { makeEnvoyConfig } from '../../helpers/envoy-variants.ts';

const config = makeEnvoyConfig({ directory: '/srv' });
const target = { protocol: 'http', host: '127.0.0.1', port: 1 } as const;

/** The line that a person reads. */
function readMistake(change: Partial<Config>, options: EnvoyOptions = {}): string {
  try {
    planEnvoy({ ...config, ...change }, options);
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.code === 'ERR_CONFIG') return thrown.line;
    throw thrown;
  }
  return '(none)';
}

t.test('mTLS is off', async (t) => {
  t.equal(
    readMistake({ backend: undefined, supportedBackends: ['ca-1', 'ca-2'] }),
    'mTLS is off: the Mesh "default" enables no backend; set mtls.enabledBackend: ca-1',
  );
  t.equal(
    readMistake({ backend: undefined, supportedBackends: [] }),
    'mTLS is off: the Mesh "default" enables no backend; add one under mtls.backends, and enable it',
  );
});

t.test('nothing is delivered that Envoy loads', async (t) => {
  t.equal(
    readMistake({ deliver: { ...config.deliver, files: [] } }),
    'the agent delivers nothing that Envoy loads; set deliver.sds or deliver.files in the Agent document',
  );
});

t.test('outbounds that cannot be told apart', async (t) => {
  const outbounds = [
    { name: 'a', target },
    { name: 'a', target },
  ];
  t.match(readMistake({}, { outbounds }), /^the outbound "a" is there twice; give one another name/);
  t.match(
    readMistake(
      {},
      {
        outbounds: [
          { name: 'a', target },
          { name: 'b', target, localPort: 15_001 },
        ],
      },
    ),
    /^the outbounds "a" and "b" have the same port 15001; give one another port/,
  );
  t.equal(
    readMistake(
      {},
      {
        outbounds: [
          { name: 'a', target, localPort: 0 },
          { name: 'b', target, localPort: 0 },
        ],
      },
    ),
    '(none)',
    'any free port is another one',
  );
});

t.test('an outbound whose SPIFFE ID cannot be known', async (t) => {
  const { spiffeId } = makeEnvoyConfig({ directory: '/srv', agent: 'spiffeId: "/ns/shop/sa/{service}"' });
  t.equal(
    readMistake({ spiffeId }, { outbounds: [{ name: 'backend', target }] }),
    'the SPIFFE ID of the outbound "backend" is not known, as "spiffeId" is not /{service}; ' +
      'write it behind the address: backend=HOST:PORT=spiffe://default/...',
  );
  t.equal(readMistake({ spiffeId }, { outbounds: [{ name: 'backend', target, spiffeId }] }), '(none)');
});

t.test('files have the names that the user gave them', async (t) => {
  const text =
    'deliver: {files: [{directory: /a, names: {tls.key: key.pem, tls_certificate_sds.yaml: leaf.yaml}}, {directory: /b}]}';
  const { deliver } = makeEnvoyConfig({ directory: '/srv', deliver: text });
  t.same(planEnvoy({ ...config, deliver }, {}).secrets, {
    kind: 'files',
    directory: '/a',
    files: { key: '/a/key.pem', certificateSds: '/a/leaf.yaml', validationSds: '/a/validation_context_sds.yaml' },
  });
});

t.test('SDS is taken where there are files, too', async (t) => {
  const { deliver } = makeEnvoyConfig({
    directory: '/srv',
    deliver: 'deliver: {files: [{directory: /a}], sds: {socket: /b/sds.sock, validator: spiffe}}',
  });
  t.same(planEnvoy({ ...config, deliver }, {}).secrets, { kind: 'sds', socket: '/b/sds.sock' });
});

t.test('the admin interface is where "verify" asks, if that can be listened on', async (t) => {
  const admin = (url: string, options: EnvoyOptions = {}) => {
    const verify = [{ kind: 'envoyAdmin', name: 'envoy', url, withinMs: 1 }] as const;
    return planEnvoy({ ...config, deliver: { ...config.deliver, verify } }, options).admin;
  };
  t.same(admin('http://127.0.0.1:9901'), { host: '127.0.0.1', port: 9901 });
  t.same(admin('http://localhost:9901'), { host: '127.0.0.1', port: 9901 });
  t.same(admin('http://[::1]'), { host: '::1', port: 80 });
  t.equal(admin('http://envoy.example:9901'), undefined);
  t.same(admin('http://127.0.0.1:9901', { admin: { host: '::1', port: 1 } }), { host: '::1', port: 1 });
  t.equal(planEnvoy(config, {}).admin, undefined);
});

t.test('the mode is that of the backend, unless another one is named', async (t) => {
  const permissive = makeEnvoyConfig({ directory: '/srv', mode: 'PERMISSIVE' });
  t.equal(planEnvoy(config, {}).mode, 'STRICT');
  t.equal(planEnvoy(permissive, {}).mode, 'PERMISSIVE');
  t.equal(planEnvoy(permissive, { mode: 'STRICT' }).mode, 'STRICT');
});
