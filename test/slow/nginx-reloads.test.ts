import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { debianProgram } from '../helpers/debian-packages.ts';
import { startProcess } from '../helpers/process.ts';
import { type Place, reloadUnderLoad } from './reload-under-load.ts';

const nginx = await debianProgram('nginx');

const configOf = ({ directory }: Place) => join(directory, 'nginx.conf');
const pidFileOf = ({ directory }: Place) => join(directory, 'nginx.pid');

function render(place: Place): string {
  const { directory, identity, port } = place;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${directory}/${one};`,
  );
  return `daemon off;
pid ${pidFileOf(place)};
error_log ${directory}/error.log;
worker_processes 2;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${identity}/tls.crt;
    ssl_certificate_key ${identity}/tls.key;
    location / { return 200 "ok"; }
  }
}
`;
}

async function start(place: Place) {
  writeFileSync(configOf(place), render(place));
  return startProcess({
    name: 'nginx',
    command: nginx,
    args: ['-c', configOf(place), '-e', join(place.directory, 'error.log')],
    directory: place.directory,
    ready: () => answers(place.port),
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve(true)).on('error', reject);
    socket.on('close', () => socket.destroy()).end();
  });
}

t.test('nginx is told by its own command', (t) =>
  reloadUnderLoad(t, {
    start,
    hook: (place) => `{exec: [${nginx}, -c, ${configOf(place)}, -e, ${place.directory}/error.log, -s, reload]}`,
  }),
);

t.test('nginx is told by SIGHUP', (t) =>
  reloadUnderLoad(t, { start, hook: (place) => `{signal: SIGHUP, pidFile: ${pidFileOf(place)}, process: nginx}` }),
);
