/**
 * Readers of the values of annotations. Each throws an AgentError `ERR_CONFIG`, which does not name the annotation.
 *
 * @module
 */
import { isAbsolute, normalize } from 'node:path';
import { parse } from 'yaml';
import { findNearest } from '../config/nearest.ts';
import { AgentError } from '../errors.ts';
import { isMapping } from './pod.ts';

const OUTPUTS = ['files', 'sds', 'workload-api'] as const;

export type Output = (typeof OUTPUTS)[number];

/** @returns a reader of one of these words. */
export function chooser<const T extends readonly string[]>(choices: T): (text: string) => T[number] {
  return (text) => {
    if (choices.includes(text)) return text;
    const nearest = findNearest(text, choices);
    throw refuse(
      `expected ${choices.join(', ')}, got "${text}"`,
      nearest === undefined ? undefined : `did you mean "${nearest}"?`,
    );
  };
}

/** At commas and white space. */
export function splitList(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}

export function readOutputs(text: string): Output[] {
  const outputs = splitList(text).map(chooser(OUTPUTS));
  if (outputs.length === 0) throw refuse('it names nothing');
  return outputs;
}

/** @returns an absolute path without a slash at its end. */
export function readMountPath(text: string): string {
  const path = normalize(text).replace(/\/$/, '');
  // Sockets lie in it, whose paths have at most 107 bytes.
  if (isAbsolute(path) && /^[\w./-]{2,80}$/.test(path)) return path;
  throw refuse(`expected an absolute path of at most 80 characters, got "${text.slice(0, 100)}"`);
}

export function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw refuse(`expected a port, got "${text}"`);
}

const QUANTITY = /^\d+(\.\d+)?(m|[kMGTPE]i?|Ki)?$/;

/** `resources` of a container, as YAML on one line. */
export function readResources(text: string): object {
  const remedy = 'write it like {requests: {cpu: 10m, memory: 64Mi}, limits: {memory: 128Mi}}';
  let resources: unknown;
  try {
    resources = parse(text);
  } catch {
    throw refuse('it is no YAML', remedy);
  }
  if (!isMapping(resources)) throw refuse('it is no mapping', remedy);
  for (const [part, quantities] of Object.entries(resources)) {
    chooser(['requests', 'limits'])(part);
    if (!isMapping(quantities)) throw refuse(`${part} is no mapping`, remedy);
    for (const [resource, quantity] of Object.entries(quantities)) {
      chooser(['cpu', 'memory', 'ephemeral-storage'])(resource);
      if (!QUANTITY.test(String(quantity))) throw refuse(`${part}.${resource} is no quantity, such as 10m or 64Mi`);
    }
  }
  return resources;
}

function refuse(message: string, remedy?: string): AgentError {
  return new AgentError('ERR_CONFIG', message, remedy === undefined ? {} : { remedy });
}
