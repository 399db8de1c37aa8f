import t from 'tap';
import { startEnvoy } from '../helpers/envoy.ts';
import { requestJson } from '../helpers/request-json.ts';

const config = {
  static_resources: {
    listeners: [
      {
        name: 'in',
        address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
        filter_chains: [
          {
            filters: [
              {
                name: 'http',
                typed_config: {
                  '@type':
                    'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                  stat_prefix: 'in',
                  route_config: {
                    virtual_hosts: [
                      {
                        name: 'all',
                        domains: ['*'],
                        routes: [
                          {
                            match: { prefix: '/' },
                            direct_response: { status: 200, body: { inline_string: '{"ok":1}' } },
                          },
                        ],
                      },
                    ],
                  },
                  http_filters: [
                    {
                      name: 'router',
                      typed_config: {
                        '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
                      },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    ],
  },
};

t.test('two Envoys run side by side; each answers, counts and stops', async (t) => {
  const directory = t.testdir();
  const [one, two] = await Promise.all(['one', 'two'].map((name) => startEnvoy({ directory, name, config })));
  if (!one || !two) throw new Error('unreachable');
  t.teardown(() => Promise.all([one.stop(), two.stop()]));

  const answer = await requestJson(`http://127.0.0.1:${await one.listenerPort('in')}/`);
  t.strictSame(answer, { status: 200, body: { ok: 1 } });
  t.equal(await one.stat('http.in.downstream_rq_2xx'), 1);
  t.equal(await two.stat('http.in.downstream_rq_2xx'), 0);
  t.equal(await one.stat('http.in.downstream'), undefined, 'not by a part of its name');
  t.strictSame(await one.certs(), { certificates: [] });

  await one.stop();
  t.match(await one.process.exited, { code: 0 });
  await t.rejects(requestJson(one.adminUrl), { code: 'ECONNREFUSED' });
});

t.test('an Envoy that refuses its configuration says why', async (t) => {
  await t.rejects(startEnvoy({ directory: t.testdir(), config: 'static_resources: {nonsense: 1}' }), /nonsense/);
});
