import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from './kube-client.ts';
import { peerProgram } from './peers.ts';
import { plainEnvironment } from './process.ts';
import { renderAdminKubeconfig } from './service-account.ts';
import { uniqueName } from './unique-name.ts';

/** The folder of our chart. */
export const CHART = resolve(import.meta.dirname, '../../charts/meshcert');
/** Of the API server that the tests have. */
const KUBE_VERSION = '1.36.3';

/** An object as a chart renders it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

export interface HelmResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Helm {
  /** Runs helm to its end, whatever that is. */
  run(...args: string[]): Promise<HelmResult>;
  /** @returns the path of a file with these values, for `--values`. */
  writeValues(values: object): string;
  lint(values: object): Promise<HelmResult>;
  /** `helm template`. */
  template(values: object, options?: TemplateOptions): Promise<HelmResult>;
  /** The objects that `helm template` prints. Rejects where it fails. */
  render(values: object, options?: TemplateOptions): Promise<Manifest[]>;
}

export interface TemplateOptions {
  /** Default `meshcert`. */
  readonly release?: string;
  /** Default `meshcert-system`. */
  readonly namespace?: string;
  /** Default: our own. */
  readonly chart?: string;
  readonly kubeVersion?: string;
}

/**
 * The real helm.
 *
 * @param options.directory its home; nobody's own settings get in.
 * @param options.cluster that it installs to, as the administrator. Default: none.
 */
export function openHelm({ directory, cluster }: { directory: string; cluster?: Cluster }): Helm {
  const kubeconfig = join(directory, 'helm-kubeconfig');
  if (cluster !== undefined) writeFileSync(kubeconfig, renderAdminKubeconfig(cluster), { mode: 0o600 });

  async function run(...args: string[]): Promise<HelmResult> {
    const env = { ...plainEnvironment(directory), ...(cluster !== undefined && { KUBECONFIG: kubeconfig }) };
    const child = spawn(peerProgram('helm'), args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<number | null>((done, reject) => {
      child.once('error', reject);
      child.once('close', done);
    });
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  }

  function writeValues(values: object): string {
    const file = join(directory, `${uniqueName('values')}.yaml`);
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(values));
    return file;
  }

  const template: Helm['template'] = (values, options = {}) => {
    const { release = 'meshcert', namespace = 'meshcert-system', chart = CHART, kubeVersion = KUBE_VERSION } = options;
    const where = ['--namespace', namespace, '--kube-version', kubeVersion];
    return run('template', release, chart, ...where, '--values', writeValues(values));
  };

  return {
    run,
    writeValues,
    lint: (values) => run('lint', CHART, '--strict', '--kube-version', KUBE_VERSION, '--values', writeValues(values)),
    template,
    async render(values, options) {
      const { code, stdout, stderr } = await template(values, options);
      if (code !== 0) throw new Error(stderr);
      return parseAllDocuments(stdout).flatMap((document) => {
        if ('errors' in document && document.errors.length > 0) throw document.errors[0];
        const object = document.toJS() as Manifest | null;
        return object === null ? [] : [object];
      });
    },
  };
}

export interface Installation {
  readonly release: string;
  /** Made if need be. */
  readonly namespace: string;
  readonly values: object;
  /** See {@link openHelm}. */
  readonly directory: string;
}

/** `helm install` of our chart, without waiting for pods. Rejects where it fails. @returns its notes. */
export async function installChart(cluster: Cluster, installation: Installation): Promise<string> {
  const { release, namespace, values, directory } = installation;
  const helm = openHelm({ directory, cluster });
  const where = ['--namespace', namespace, '--create-namespace'];
  const { code, stdout, stderr } = await helm.run('install', release, CHART, ...where, '-f', helm.writeValues(values));
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** @throws Error when there is none. */
export function findManifest(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}
