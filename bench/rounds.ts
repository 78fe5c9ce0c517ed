// Alternating rounds of one mode; a contender that fails it leaves it, the others go on. For run.ts.
import { end } from './children.ts';
import type { Contender } from './contenders.ts';
import type { Mode } from './modes.ts';
import { quietMachine } from './quiet.ts';
import { openStage, type Pace, proveChecks, type Sample, type Stage, takeTurn } from './turn.ts';

/** By contender, one sample a round. */
export type Outcomes = Map<string, Sample[]>;

export interface Rounds {
  readonly outcomes: Outcomes;
  readonly failures: readonly string[];
}

let stage: Stage | null = null;

async function openedStage(): Promise<Stage> {
  if (stage !== null) return stage;
  const opened = await openStage();
  await proveChecks(opened);
  stage = opened;
  return opened;
}

/** A failed turn may have left a job pending: its load and upstream are not used again. */
async function dropStage(): Promise<void> {
  if (stage === null) return;
  const { load, upstream } = stage;
  stage = null;
  await Promise.all([end(load), end(upstream)]);
}

/** A failure of one in `needed` is an error: all ratios and added times are against those. */
export async function takeRounds(
  mode: Mode,
  list: readonly Contender[],
  pace: Pace,
  count: number,
  needed: readonly string[],
): Promise<Rounds> {
  const outcomes: Outcomes = new Map(list.map(({ name }) => [name, []]));
  const failures: string[] = [];
  for (let round = 0; round < count; round++) {
    // Every other round runs backwards, so that nobody always follows the same neighbour.
    const order = round % 2 === 0 ? list : [...list].reverse();
    for (const contender of order) {
      const samples = outcomes.get(contender.name);
      if (samples === undefined) continue;
      if (pace.quietMs > 0) await quietMachine(pace.quietMs);
      try {
        samples.push(await takeTurn(await openedStage(), mode, contender, pace));
        process.stderr.write('.');
      } catch (error) {
        const reason = `${contender.name}, ${mode.name}: ${error instanceof Error ? error.message : error}`;
        if (needed.includes(contender.name)) throw new Error(reason);
        failures.push(reason);
        outcomes.delete(contender.name);
        process.stderr.write('!');
        await dropStage();
      }
    }
  }
  return { outcomes, failures };
}
