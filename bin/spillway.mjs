#!/usr/bin/env node
// Starts the command line on Node 24 or newer: on this process when it is new enough, else on the one npm installed.
import { runOnNode24 } from './node24.mjs';

await runOnNode24(new URL('../src/entry/cli/main.ts', import.meta.url), process.argv.slice(2));
