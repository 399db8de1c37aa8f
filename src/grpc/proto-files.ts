/**
 * Descriptors of the files in `proto/`. In the built program their content stands in the place of this file
 * (scripts/compile-protos.mjs).
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { describeProtos, type ProtoFile } from './describe-protos.ts';

export const protoFiles: readonly ProtoFile[] = describeProtos(fileURLToPath(new URL('../../proto', import.meta.url)));
