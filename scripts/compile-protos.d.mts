import type { Plugin } from 'esbuild';

export const compileProtos: Plugin;
