/**
 * Runs the built program with the arguments given, and afterwards keeps the machine code of the chunks that it loaded
 * and that have none yet. Arguments: path of the built main.js, then those of the program.
 */
'use strict';
const { existsSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

const [program] = process.argv.splice(2, 1);
const { load, loaded } = require(program);
process.on('exit', () => {
  for (const [name, { script }] of loaded) {
    const path = join(dirname(program), `${name}.cache`);
    if (script !== undefined && !existsSync(path)) writeFileSync(path, script.createCachedData());
  }
});
load('program.js');
