// The load process: takes one job at a time over IPC and answers with its outcome. For run.ts.
import { firstAnswer, hold } from './hold.ts';
import type { Job, Outcome } from './jobs.ts';
import { measure } from './measure.ts';

let release: (() => void) | null = null;

async function work(job: Job): Promise<Outcome> {
  switch (job.kind) {
    case 'measure':
      return await measure(job);
    case 'first_answer':
      return { kind: 'first_answered', atMs: await firstAnswer(job) };
    case 'hold':
      release = await hold(job);
      return { kind: 'held' };
    case 'release':
      release?.();
      release = null;
      return { kind: 'released' };
  }
}

process.on('disconnect', () => process.exit(0));
process.on('message', (job: Job) => {
  work(job).then(
    (outcome) => process.send!(outcome),
    (error: unknown) =>
      process.send!({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }),
  );
});
process.send!({ kind: 'listening', port: 0 });
