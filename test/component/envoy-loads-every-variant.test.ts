import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Config } from '../../src/config/config.ts';
import { openFiles } from '../../src/delivery/files/files.ts';
import { describeBootstrap } from '../../src/envoy/bootstrap.ts';
import { type EnvoyOptions, planEnvoy } from '../../src/envoy/plan.ts';
import { renderYaml } from '../../src/envoy/render-yaml.ts';
import { listEnvoyVariants, makeEnvoyConfig } from '../helpers/envoy-variants.ts';
import { filesConfig, filesOptions } from '../helpers/files-bench.ts';
import { openGenerationMaker } from '../helpers/make-generation.ts';
import { peerProgram } from '../helpers/peers.ts';
import { plainEnvironment } from '../helpers/process.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const directory = temporaryDirectory(t);
const { make } = await openGenerationMaker();
const files = openFiles(filesConfig(join(directory, 'identity')), filesOptions());
t.teardown(() => files.close());
await files.deliver(await make());

/** @throws what Envoy says against it. */
async function load(name: string, config: Config, options: EnvoyOptions): Promise<string> {
  const file = join(directory, `${name.replaceAll(' ', '-')}.yaml`);
  writeFileSync(file, renderYaml(describeBootstrap(planEnvoy(config, options))));
  return runCommand(peerProgram('envoy'), ['--mode', 'validate', '-c', file], { env: plainEnvironment(directory) });
}

t.test('Envoy loads every variant', async (t) => {
  for (const { name, config, options } of listEnvoyVariants(directory)) {
    await t.resolves(load(name, config, options), name);
  }
});

t.test('Envoy reads names and addresses that YAML could take for something else', async (t) => {
  for (const service of ['on', 'y', 'null', '1', '1e3', '0x1f', '12.30', '017']) {
    const target = { protocol: 'http', host: '::1', port: 1 } as const;
    const outbounds = [{ name: service, target, localPort: 0 }];
    const options = { outbounds, inbound: { host: '::', port: 0 }, admin: { host: '::1', port: 0 } };
    await t.resolves(load(`word-${service}`, makeEnvoyConfig({ directory, service }), options), service);
  }
});

t.test('what Envoy does not load fails here', async (t) => {
  const config = makeEnvoyConfig({ directory });
  const inbound = { host: 'no address', port: 1 };
  await t.rejects(load('wrong', config, { inbound }), /malformed IP address: no address/);
});
