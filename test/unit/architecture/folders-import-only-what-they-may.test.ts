import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';

const SRC = resolve(import.meta.dirname, '../../../src');

/**
 * Who may import what, the way of a certificate from left to right. A file belongs to the first row whose name its
 * path begins with. `types` are import types only: they leave no trace at run time.
 */
const RULES: readonly { room: string; from: readonly string[]; types?: readonly string[]; npm?: readonly string[] }[] =
  [
    { room: 'errors.ts', from: [] },
    { room: 'clock.ts', from: [] },
    { room: 'log.ts', from: [] },
    { room: 'data-source.ts', from: ['errors.ts'] },
    { room: 'format-duration.ts', from: [] },
    { room: 'last-good.ts', from: ['errors.ts'], types: ['data-source.ts', 'log.ts'] },
    { room: 'identity/', from: ['errors.ts', 'identity/'] },
    { room: 'issuer/issuer.ts', from: [], types: ['identity/', 'clock.ts', 'log.ts', 'data-source.ts'] },
    { room: 'issuer/watch-health.ts', from: ['errors.ts'], types: ['issuer/issuer.ts', 'clock.ts', 'log.ts'] },
    { room: 'issuer/open.ts', from: ['issuer/*/index.ts'], types: ['config/config.ts', 'issuer/issuer.ts'] },
    { room: 'ca/', from: ['ca/', 'identity/', 'errors.ts'], npm: ['@peculiar/x509', 'reflect-metadata'] },
    { room: 'issuer/local-ca.ts', from: ['ca/', 'errors.ts'], types: ['issuer/issuer.ts'] },
    {
      room: 'issuer/builtin/',
      from: ['issuer/builtin/', 'issuer/local-ca.ts', 'ca/', 'identity/', 'errors.ts'],
      types: ['issuer/issuer.ts'],
    },
    {
      room: 'issuer/provided/',
      from: ['issuer/local-ca.ts', 'ca/'],
      types: ['issuer/provided/', 'issuer/issuer.ts', 'data-source.ts'],
    },
    {
      room: 'kubernetes/',
      from: ['kubernetes/', 'errors.ts', 'clock.ts'],
      npm: ['@kubernetes/client-node/dist/config.js', 'yaml'],
    },
    { room: 'issuer/lifetime.ts', from: [], types: ['log.ts'] },
    {
      room: 'issuer/certmanager/',
      from: ['issuer/certmanager/', 'issuer/lifetime.ts', 'kubernetes/', 'ca/', 'identity/', 'errors.ts', 'clock.ts'],
      types: ['issuer/issuer.ts', 'data-source.ts'],
    },
    {
      room: 'issuer/kubernetes/',
      from: ['issuer/kubernetes/', 'issuer/lifetime.ts', 'kubernetes/', 'ca/', 'identity/', 'errors.ts'],
      types: ['issuer/issuer.ts', 'data-source.ts'],
    },
    {
      room: 'signer/',
      from: ['signer/', 'ca/', 'kubernetes/', 'identity/', 'errors.ts', 'clock.ts'],
      types: ['issuer/*/config.ts', 'data-source.ts', 'log.ts'],
      npm: ['prom-client'],
    },
    {
      room: 'issuer/vault/',
      from: ['issuer/vault/', 'issuer/lifetime.ts', 'identity/', 'last-good.ts', 'errors.ts', 'clock.ts', 'log.ts'],
      types: ['issuer/issuer.ts', 'data-source.ts'],
      npm: ['@aws-sdk/credential-provider-node', '@smithy/signature-v4', '@aws-crypto/sha256-js'],
    },
    {
      room: 'issuer/acmpca/',
      from: ['issuer/acmpca/', 'issuer/lifetime.ts', 'identity/', 'last-good.ts', 'errors.ts'],
      types: ['issuer/issuer.ts', 'clock.ts', 'log.ts', 'data-source.ts'],
      npm: ['@aws-sdk/client-acm-pca', '@aws-sdk/credential-provider-node'],
    },
    {
      room: 'rotation/',
      from: ['rotation/', 'identity/', 'errors.ts', 'clock.ts'],
      types: ['issuer/issuer.ts', 'log.ts'],
    },
    {
      room: 'trust/',
      from: ['trust/', 'errors.ts', 'clock.ts'],
      types: ['identity/', 'issuer/issuer.ts', 'log.ts'],
    },
    { room: 'store/', from: ['store/'], types: ['identity/'] },
    { room: 'delivery/delivery.ts', from: [], types: ['identity/'] },
    {
      room: 'delivery/files/',
      from: ['delivery/files/', 'identity/', 'errors.ts', 'clock.ts'],
      types: ['delivery/delivery.ts', 'log.ts', 'data-source.ts'],
      npm: ['pkijs', 'asn1js'],
    },
    { room: 'unix-socket/', from: ['unix-socket/', 'errors.ts'] },
    {
      room: 'grpc/',
      from: ['grpc/', 'unix-socket/', 'store/state-stream.ts', 'errors.ts', 'clock.ts'],
      types: ['log.ts'],
      npm: ['@grpc/grpc-js', 'protobufjs', 'protobufjs/google/protobuf/descriptor.json'],
    },
    {
      room: 'delivery/sds/',
      from: ['delivery/sds/', 'grpc/', 'store/state-stream.ts', 'identity/', 'errors.ts', 'clock.ts'],
      types: ['delivery/delivery.ts', 'log.ts'],
    },
    {
      room: 'delivery/workload-api/',
      from: ['delivery/workload-api/', 'grpc/', 'store/state-stream.ts', 'identity/', 'errors.ts', 'clock.ts'],
      types: ['delivery/delivery.ts', 'log.ts'],
    },
    {
      room: 'delivery/hooks/',
      from: ['delivery/hooks/', 'errors.ts', 'clock.ts'],
      types: ['delivery/delivery.ts', 'identity/', 'log.ts'],
    },
    {
      room: 'delivery/verify/',
      from: ['delivery/verify/', 'delivery/follow-newest.ts', 'identity/', 'errors.ts', 'clock.ts'],
      types: ['delivery/delivery.ts', 'log.ts'],
    },
    {
      room: 'delivery/open.ts',
      from: ['delivery/', 'grpc/'],
      types: ['config/config.ts', 'clock.ts', 'log.ts', 'data-source.ts'],
    },
    { room: 'delivery/endpoints.ts', from: ['delivery/', 'grpc/'], types: ['config/config.ts', 'unix-socket/'] },
    { room: 'delivery/follow-newest.ts', from: [] },
    {
      room: 'delivery/run-delivery.ts',
      from: ['delivery/follow-newest.ts', 'errors.ts', 'clock.ts'],
      types: ['delivery/delivery.ts', 'identity/', 'log.ts'],
    },
    {
      room: 'observe/',
      from: ['observe/', 'unix-socket/', 'identity/', 'errors.ts', 'clock.ts'],
      types: [
        'log.ts',
        'issuer/watch-health.ts',
        'issuer/issuer.ts',
        'rotation/rotation.ts',
        'delivery/run-delivery.ts',
        'delivery/verify/',
        'config/config.ts',
        'delivery/sds/sds.ts',
      ],
      npm: ['prom-client'],
    },
    {
      room: 'config/',
      from: ['config/', 'identity/', 'kubernetes/access.ts', 'kubernetes/mesh-signer.ts', 'errors.ts'],
      types: ['issuer/*/config.ts', 'delivery/*/config.ts', 'data-source.ts'],
      npm: ['valibot', 'yaml'],
    },
    {
      room: 'agent',
      from: [
        'agent/',
        'issuer/watch-health.ts',
        'issuer/open.ts',
        'rotation/',
        'trust/',
        'store/',
        'delivery/',
        'observe/',
        'identity/',
        'errors.ts',
        'clock.ts',
        'data-source.ts',
      ],
      types: ['config/config.ts', 'issuer/issuer.ts', 'log.ts'],
    },
    { room: 'systemd/', from: ['systemd/'], types: ['clock.ts', 'log.ts'] },
    { room: 'watch/', from: ['watch/', 'clock.ts'], types: ['log.ts'], npm: ['chokidar'] },
    {
      room: 'fleet/',
      from: ['fleet/', 'inject/names.ts', 'kubernetes/', 'errors.ts', 'clock.ts'],
      types: ['observe/'],
      npm: ['valibot'],
    },
    {
      room: 'cli/',
      from: [
        'cli/',
        'fleet/',
        'watch/',
        'signer/',
        'observe/telemetry-server.ts',
        'systemd/',
        'doctor/',
        'setup/',
        'ca/',
        'envoy/',
        'inject/',
        'webhook/',
        'config/',
        'agent.ts',
        'kubernetes/',
        'errors.ts',
        'clock.ts',
        'log.ts',
        'data-source.ts',
        'format-duration.ts',
      ],
      types: ['observe/'],
      npm: ['commander', 'yaml'],
    },
    {
      room: 'envoy/',
      from: ['envoy/', 'identity/', 'errors.ts'],
      types: ['config/config.ts', 'delivery/*/config.ts'],
      npm: ['yaml'],
    },
    {
      room: 'inject/',
      from: ['inject/', 'envoy/read-target.ts', 'config/nearest.ts', 'errors.ts'],
      types: ['config/', 'envoy/plan.ts'],
      npm: ['yaml'],
    },
    {
      room: 'webhook/',
      from: [
        'webhook/',
        'inject/',
        'ca/',
        'kubernetes/',
        'identity/',
        'observe/http-server.ts',
        'errors.ts',
        'clock.ts',
      ],
      types: ['log.ts'],
      npm: ['prom-client'],
    },
    {
      room: 'doctor/',
      from: [
        'doctor/',
        'issuer/open.ts',
        'issuer/vault/',
        'issuer/acmpca/',
        'issuer/certmanager/',
        'kubernetes/',
        'identity/',
        'errors.ts',
        'clock.ts',
        'format-duration.ts',
      ],
      types: ['config/config.ts', 'issuer/*/config.ts', 'issuer/issuer.ts', 'data-source.ts', 'log.ts'],
    },
    {
      room: 'setup/',
      from: [
        'setup/',
        'issuer/vault/',
        'issuer/acmpca/',
        'issuer/certmanager/certificate-request.ts',
        'kubernetes/',
        'identity/',
        'errors.ts',
        'clock.ts',
      ],
      types: ['config/config.ts', 'issuer/*/config.ts', 'data-source.ts', 'log.ts'],
      npm: ['node-vault', 'yaml', '@aws-sdk/client-acm-pca', '@smithy/signature-v4', '@aws-crypto/sha256-js'],
    },
    { room: 'main.ts', from: ['cli/program.ts'] },
  ];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = files.flatMap((file) => readImports(file, readFileSync(join(SRC, file), 'utf8')));

function readImports(file: string, text: string): Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm);
  const dynamic = text.matchAll(/\bimport\('([^']+)'\)/g);
  const resolved = (target: string) =>
    target.startsWith('.') ? relative(SRC, resolve(SRC, dirname(file), target)) : target;
  return [
    ...Array.from(statements, ([, type, target = '']) => ({
      file,
      target: resolved(target),
      typeOnly: type !== undefined,
    })),
    ...Array.from(dynamic, ([, target = '']) => ({ file, target: resolved(target), typeOnly: false })),
  ];
}

function matches(target: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    if (pattern.endsWith('/')) return target.startsWith(pattern);
    return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`).test(target);
  });
}

t.test('every file belongs to a room of the plan', async (t) => {
  t.same(
    files.filter((file) => !RULES.some(({ room }) => file.startsWith(room))),
    [],
  );
});

t.test('files import only from the rooms that theirs may know', async (t) => {
  const broken = imports.filter(({ file, target, typeOnly }) => {
    const rule = RULES.find(({ room }) => file.startsWith(room));
    if (rule === undefined || target.startsWith('node:')) return false;
    if (target.endsWith('.ts')) return !matches(target, [...rule.from, ...(typeOnly ? (rule.types ?? []) : [])]);
    return !typeOnly && !(rule.npm ?? []).includes(target);
  });
  t.same(
    broken.map(({ file, target }) => `${file} imports ${target}`),
    [],
  );
});

t.test('clients of one CA and whatever is not needed for the first certificate come by import() only', async (t) => {
  const HEAVY = [
    '@peculiar/x509',
    'prom-client',
    'chokidar',
    '@grpc/grpc-js',
    'node-vault',
    '@aws-sdk/client-acm-pca',
    '@aws-sdk/credential-provider-node',
    '@smithy/signature-v4',
    '@aws-crypto/sha256-js',
    '@kubernetes/client-node/dist/config.js',
    'pkijs',
  ];
  const eager = new Set(['main.ts', 'cli/program.ts', 'cli/run.ts', 'agent.ts']);
  for (const file of eager) {
    for (const { target, typeOnly } of imports.filter((one) => one.file === file)) {
      const isDynamic = new RegExp(`import\\('[^']*${target.split('/').at(-1)}'\\)`).test(
        readFileSync(join(SRC, file), 'utf8'),
      );
      if (!typeOnly && !isDynamic && files.includes(target)) eager.add(target);
    }
  }
  const loaded = imports.filter(({ file, target, typeOnly }) => eager.has(file) && !typeOnly && HEAVY.includes(target));
  t.same(
    loaded.filter(
      ({ file, target }) => !new RegExp(`import\\('${target}'\\)`).test(readFileSync(join(SRC, file), 'utf8')),
    ),
    [],
  );
});

t.test('only main.ts touches process and dice, and only the clock asks for the time', async (t) => {
  const guilty = files.filter((file) => {
    const code = readFileSync(join(SRC, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    if (file !== 'main.ts' && /(?<![\w.'-])process\.(?!getBuiltinModule)/.test(code)) return true;
    return (
      !['clock.ts', 'main.ts'].includes(file) &&
      /Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(\)/.test(code)
    );
  });
  t.same(guilty, []);
});
