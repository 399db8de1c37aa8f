import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';

/** The configuration of the service `web` in this Mesh. */
export function loadMesh(mesh: string): Config {
  const { config, problems } = loadConfig({
    sources: [{ file: 'mesh.yaml', text: `${mesh}\n---\ntype: Agent\nmesh: default\nservice: web\n` }],
    environment: {},
    hostName: 'host',
    currentDirectory: '/nowhere',
  });
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return config;
}
