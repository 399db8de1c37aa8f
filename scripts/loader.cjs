#!/usr/bin/env -S node --min-semi-space-size=8 --v8-pool-size=1
'use strict';
/**
 * The entry of the built program: loads its chunks together with the machine code that the build kept for them.
 *
 * Node's own compile cache keeps only what is compiled when a file is loaded. Ours is taken after a whole run, and so
 * holds the functions that a start calls, which saves 20 ms of 70. V8 checks that it fits this version of itself and
 * these flags; if not, the chunk is compiled as usual. A young generation of 8 MB from the start saves the garbage
 * collections of a start, and costs nothing afterwards; one helper thread is enough for so small a heap.
 */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(`meshcert: needs Node 22.22 or later, this is ${process.version}\n`);
  process.exit(1);
}
// Nodes that are too old have no such module.
const { getRawAsset, isSea } = require('node:sea');

/** By name of the chunk. */
const loaded = new Map();
/** Parts that the first chunk brings for others, by name, until they are asked for. */
const defined = new Map();

function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.module.exports;
  const module = { exports: {} };
  const { script, run } = defined.has(name) ? { run: defined.get(name) } : compile(name);
  loaded.set(name, { module, script });
  run(module.exports, requireFrom, module, define);
  return module.exports;
}

function compile(name) {
  // The build writes ASCII only.
  const source = `(function (exports, require, module, define) {${read(name).latin1Slice()}\n})`;
  const script = new Script(source, { filename: join(__dirname, name), cachedData: readCache(`${name}.cache`) });
  return { script, run: script.runInThisContext() };
}

function define(name, run) {
  defined.set(name, run);
}

function requireFrom(id) {
  return id.startsWith('./') ? load(id.slice(2)) : require(id);
}

/** The chunks lie beside this file, or in the single executable (build-sea.mjs) that this file is then the main script of. */
function read(name) {
  return isSea() ? Buffer.from(getRawAsset(name)) : readFileSync(join(__dirname, name));
}

function readCache(name) {
  try {
    return read(name);
  } catch {
    return undefined;
  }
}

if (isSea() || require.main === module) load('program.js');
else module.exports = { load, loaded };
