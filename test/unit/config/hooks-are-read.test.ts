import t from 'tap';
import { loadAgent } from './load-text.ts';

const load = (hooks: string) => loadAgent(`type: Agent\ndeliver: {hooks: ${hooks}}\n`);

t.test('each kind, with what it has without being asked', async (t) => {
  const { config, lines } = load(`[
    {exec: [/usr/sbin/nginx, -s, reload], timeout: 30s},
    {exec: [nginx, -t], name: check},
    {exec: [nginx, -v]},
    {signal: SIGUSR2, pidFile: run/haproxy.pid, process: haproxy},
    {http: {url: "http://127.0.0.1:8080/reload?token=t0p"}},
    {http: {method: PUT, url: "https://[::1]:8080"}}]`);
  t.same(lines, []);
  const timeoutMs = 10_000;
  const kind = 'exec';
  t.same(config?.deliver.hooks, [
    { kind, name: 'hook:nginx', timeoutMs: 30_000, argv: ['/usr/sbin/nginx', '-s', 'reload'] },
    { kind, name: 'hook:check', timeoutMs, argv: ['nginx', '-t'] },
    { kind, name: 'hook:nginx-2', timeoutMs, argv: ['nginx', '-v'] },
    {
      kind: 'signal',
      name: 'hook:haproxy',
      timeoutMs,
      signal: 'SIGUSR2',
      pidFile: '/srv/run/haproxy.pid',
      processName: 'haproxy',
    },
    {
      kind: 'http',
      name: 'hook:127.0.0.1:8080',
      timeoutMs,
      method: 'POST',
      url: 'http://127.0.0.1:8080/reload?token=t0p',
    },
    { kind: 'http', name: 'hook:[::1]:8080', timeoutMs, method: 'PUT', url: 'https://[::1]:8080/' },
  ]);
});

for (const [hooks, message] of [
  ['{exec: [x]}', 'deliver.hooks: expected a list, got a mapping; start each entry with "- "'],
  ['[nginx]', 'deliver.hooks[0]: expected a mapping (name, timeout, exec, signal, pidFile, process, http), got text'],
  ['[{name: x}]', 'deliver.hooks[0]: expected exactly one of exec, signal, http, got none'],
  [
    '[{exec: [x], http: {url: "http://h"}}]',
    'deliver.hooks[0]: expected exactly one of exec, signal, http, got exec and http',
  ],
  [
    '[{exec: nginx -s reload}]',
    'deliver.hooks[0].exec: expected a list, got text; write program and arguments as a list: [nginx, -s, reload]; there is no shell',
  ],
  ['[{exec: []}]', 'deliver.hooks[0].exec: expected the program first'],
  ['[{exec: [sleep, 1]}]', 'deliver.hooks[0].exec: argument 1 is no text; put numbers, true and false in quotes'],
  ['[{exec: [x], timeout: 61s}]', 'deliver.hooks[0].timeout: expected at most 60s'],
  ['[{exec: [x], timeout: 5}]', 'deliver.hooks[0].timeout: expected a duration, got a number; write it with its unit'],
  ['[{exec: [x], pidFile: /x}]', 'deliver.hooks[0].pidFile: goes with "signal" only'],
  ['[{exec: [x], name: "a b"}]', 'deliver.hooks[0].name: expected a name of letters'],
  ['[{exec: [x], name: a}, {exec: [y], name: a}]', 'deliver.hooks[1].name: another hook has this name, too'],
  ['[{exce: [x]}]', 'deliver.hooks[0].exce: unknown key; did you mean "exec"?'],
  ['[{signal: SIGHUP, process: x}]', 'deliver.hooks[0].pidFile: missing: expected the file that holds the number'],
  ['[{signal: SIGKILL, pidFile: /x, process: x}]', 'deliver.hooks[0].signal: expected one of SIGHUP, SIGUSR1'],
  ['[{signal: SIGHUPP, pidFile: /x, process: x}]', 'did you mean "SIGHUP"?'],
  ['[{signal: SIGHUP, pidFile: /x, process: bin/x}]', 'deliver.hooks[0].process: expected the name of a program'],
  ['[{http: {}}]', 'deliver.hooks[0].http.url: missing'],
  ['[{http: "http://h"}]', 'deliver.hooks[0].http: expected a mapping (method, url), got text'],
  ['[{http: {url: "ftp://h/x"}}]', 'deliver.hooks[0].http.url: expected http:// or https:// and a host; write it like'],
  ['[{http: {url: "http://u:t0psecret@h/"}}]', 'deliver.hooks[0].http.url: expected a URL without user and password'],
  ['[{http: {url: "http://h", method: DELETE}}]', 'deliver.hooks[0].http.method: expected one of GET, POST, PUT'],
] as const) {
  t.test(`${hooks} is refused`, async (t) => {
    const { config, lines } = load(hooks);
    t.equal(config, undefined);
    const told = lines.filter((line) => line.includes(message));
    t.equal(told.length, 1, lines.join('\n'));
    t.match(told[0], /^agent\.yaml:2: /);
    t.notMatch(lines.join(), 't0psecret');
  });
}

t.test('a signal to whatever process has got the number is warned of', async (t) => {
  const { config, lines } = load('[{signal: SIGHUP, pidFile: /run/nginx.pid}]');
  t.equal(config?.deliver.hooks[0]?.name, 'hook:nginx');
  t.match(lines, [/warning: deliver\.hooks\[0\]\.signal: whatever process has got the number is signalled/]);
});
