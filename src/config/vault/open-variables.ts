import type { InferOutput } from 'valibot';
import type { Place } from '../place.ts';
import { readValue } from '../read.ts';
import type { Entries } from '../schema.ts';

/** Reads one variable; undefined when it is unset, empty, or has a mistake, which was reported under its name. */
export type ReadVariable = <S extends Entries[string]>(schema: S, name: string) => InferOutput<S> | undefined;

/** @param place any; mistakes are collected with those of its document. */
export function openVariables(environment: Readonly<Record<string, string | undefined>>, place: Place): ReadVariable {
  const outside = place.outside('environment');
  return (schema, name) => (environment[name] ? readValue(schema, environment[name], outside.at(name)) : undefined);
}
