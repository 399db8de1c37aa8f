import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCommandLine } from '../../../src/cli/command-line.ts';
import { AgentError } from '../../../src/errors.ts';
import { openFakeEdge } from '../../helpers/fake-edge.ts';
import { temporaryDirectory } from '../../helpers/temporary-directory.ts';

const directory = temporaryDirectory(t);
const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
const mesh = (mtls: string) => `{type: Mesh, name: default, mtls: ${mtls}}\n---\n`;
write(
  'builtin.yaml',
  `${mesh('{enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}')}{type: Agent, service: web}`,
);
write('off.yaml', `${mesh('{}')}{type: Agent, service: web}`);
write(
  'sockets.yaml',
  `${mesh('{enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}')}
{type: Agent, service: web, deliver: {workloadApi: {socket: /tmp/w.sock}}}`,
);
write('broken.yaml', 'type: Agent\nservce: web\n');
write('text', 'no PEM');

/** What a person may well type; each fails before anything is asked over a network. */
const MISTAKES: readonly string[] = [
  'inspect --socket none.sock',
  'inspect -c broken.yaml',
  'inspect --kubernetes',
  'inspect --kubeconfig text',
  'rotate --socket none.sock',
  'healthcheck --socket none.sock',
  'setup vault -c builtin.yaml',
  'setup certmanager -c builtin.yaml --service-account shop/web',
  'setup certmanager -c builtin.yaml --service-account web',
  'setup inspect --service-account web',
  'setup acmpca -c builtin.yaml',
  'ca init --mesh UPPER',
  'ca init --root-key text',
  'ca init --root-cert none.crt --root-key none.key',
  'ca check none.crt',
  'ca check text',
  'envoy -c off.yaml',
  'envoy -c sockets.yaml',
  'envoy -c builtin.yaml --outbound a=127.0.0.1:1 --outbound a=127.0.0.1:2',
  'envoy -c builtin.yaml --outbound 15001:a=127.0.0.1:1 --outbound 15001:b=127.0.0.1:2',
  'inject -f none.yaml --image x -c builtin.yaml',
  'inject -f broken.yaml --image x -c off.yaml',
];

for (const line of MISTAKES) {
  t.test(line, async (t) => {
    const { edge } = openFakeEdge({ currentDirectory: directory, environment: { HOME: directory } });
    const words = line.split(' ').map((word) => (word.endsWith('.yaml') ? join(directory, word) : word));
    const thrown: unknown = await runCommandLine(words, edge).catch((error) => error);
    t.ok(thrown instanceof AgentError, String(thrown));
    const { code, message, remedy } = AgentError.from(thrown);
    t.not(code, 'ERR_INTERNAL');
    t.match(message, /^[^\n]+$/, 'one line');
    t.match(remedy, /^[^\n]{4,}$/, message);
  });
}
