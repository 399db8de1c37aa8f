import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { debianProgram } from '../helpers/debian-packages.ts';
import { startProcess } from '../helpers/process.ts';
import { type Place, reloadUnderLoad } from './reload-under-load.ts';

const haproxy = await debianProgram('haproxy');

const pidFileOf = ({ directory }: Place) => join(directory, 'haproxy.pid');

/** `expose-fd listeners`: the new process gets the sockets of the old one, so that no connection is refused between. */
function render({ directory, identity, port }: Place): string {
  return `global
  maxconn 256
  stats socket ${directory}/stats.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend mtls
  bind 127.0.0.1:${port} ssl crt ${identity}/credentialbundle.pem
  http-request return status 200 content-type text/plain string ok
`;
}

async function start(place: Place) {
  const config = join(place.directory, 'haproxy.cfg');
  writeFileSync(config, render(place));
  return startProcess({
    name: 'haproxy',
    command: haproxy,
    args: ['-W', '-f', config, '-p', pidFileOf(place)],
    directory: place.directory,
    ready: async () => existsSync(join(place.directory, 'stats.sock')) && existsSync(pidFileOf(place)),
  });
}

t.test('HAProxy is told by SIGUSR2', (t) =>
  reloadUnderLoad(t, { start, hook: (place) => `{signal: SIGUSR2, pidFile: ${pidFileOf(place)}, process: haproxy}` }),
);
