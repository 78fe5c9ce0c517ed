// What the rest of the house may use of the demo workers. For the command line, tests, benches and the simulator's checks.
export { demoWorkerCommand } from './command.ts';
export { embed } from './feature-hashing.ts';
export type { DemoSettings, DemoWorkerOptions, StartUpMode, WorkerKind } from './options.ts';
export { FLAGS } from './options.ts';
export type { DemoWorker, DemoWorkerStats } from './server.ts';
export { startDemoWorker } from './server.ts';
export { decode, encode } from './tokenizer.ts';
