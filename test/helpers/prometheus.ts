import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { RunningAgent } from './agent.ts';
import { debianProgram } from './debian-packages.ts';
import { freePort } from './free-port.ts';
import type { RuleFile } from './monitoring-files.ts';
import { startProcess } from './process.ts';
import { requestJson } from './request-json.ts';

export interface PrometheusOptions {
  /** Configuration, log and data. */
  readonly directory: string;
  /** The entries of `scrape_configs`. */
  readonly scrapeConfigs: readonly unknown[];
  readonly rules: RuleFile;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** The instant vector of an expression, now. Rejects for what is no expression. */
  query(expression: string): Promise<Sample[]>;
  /** Errors of the last evaluation of each rule, by alert; none while all are well. */
  ruleErrors(): Promise<string[]>;
  /** Scrapes others from now on, soon. */
  scrape(scrapeConfigs: readonly unknown[]): void;
  stop(): Promise<unknown>;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

interface VectorData {
  readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[];
}

interface RulesData {
  readonly groups: readonly {
    readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
  }[];
}

/** Debian's Prometheus on 127.0.0.1, which scrapes and evaluates every second. Resolves when it answers. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { directory, scrapeConfigs, rules } = options;
  const address = `127.0.0.1:${await freePort()}`;
  const configure = (scrape_configs: readonly unknown[]) => {
    const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
    const config = { global, rule_files: ['alerts.yaml'], scrape_configs };
    writeFileSync(join(directory, 'prometheus.yaml'), stringify(config));
  };
  configure(scrapeConfigs);
  writeFileSync(join(directory, 'alerts.yaml'), stringify(rules));
  const running = await startProcess({
    name: 'prometheus',
    command: await debianProgram('prometheus'),
    args: [
      `--config.file=${join(directory, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    directory,
    ready: async () => (await requestJson(`http://${address}/-/ready`)).status === 200,
  });
  const ask = async <T>(path: string): Promise<T> => {
    const { body } = await requestJson<Answer<T>>(`http://${address}/api/v1/${path}`);
    if (body.status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${body.error}`);
    return body.data;
  };
  return {
    async query(expression) {
      const { result } = await ask<VectorData>(`query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async ruleErrors() {
      const { groups } = await ask<RulesData>('rules');
      const ill = groups.flatMap((group) => group.rules).filter(({ health }) => health === 'err');
      return ill.map(({ name, lastError }) => `${name}: ${lastError}`);
    },
    scrape(others) {
      configure(others);
      running.kill('SIGHUP');
    },
    stop: running.stop,
  };
}

/** `HOST:PORT` of an agent that answers. */
export function telemetryAddress(agent: Pick<RunningAgent, 'log'>): string {
  const line = agent.log().find(({ event }) => event === 'answering');
  return new URL(String(line?.telemetry)).host;
}
