#!/usr/bin/env node
// Starts the command line on Node 24 or newer: on this process when it is new enough, else on the one npm installed. From
// its sources in the repository, from what was built of them in the package, where Node strips no types.
import { existsSync } from 'node:fs';
import { runOnNode24 } from './node24.mjs';

const source = new URL('../src/entry/cli/main.ts', import.meta.url);
const built = new URL('../dist/entry/cli/main.js', import.meta.url);

await runOnNode24(existsSync(source) ? source : built, process.argv.slice(2));
