// How the tables of simulations say times, shares and what lies between seeds. For scripts/simulations.ts.

/** Each figure is taken with each of these. */
export const SEEDS = [1, 2, 3];

export const ms = (value: number | null) =>
  value === null ? '–' : Number.isFinite(value) ? `${Math.round(value)} ms` : 'never';
export const percent = (value: number | null) => (value === null ? '–' : `${(100 * value).toFixed(1)} %`);
/** Least and most over the seeds, or the one value. */
export function range(values: readonly number[], say: (value: number) => string): string {
  const [least, most] = [say(Math.min(...values)), say(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, head.map((_, at) => (at === 0 ? '---' : '---:')), ...rows];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

export async function seeded<Figures>(run: (seed: number) => Promise<Figures>): Promise<Figures[]> {
  const all: Figures[] = [];
  for (const seed of SEEDS) all.push(await run(seed));
  return all;
}
