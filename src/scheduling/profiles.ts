// The ways to choose a worker that a policy need not write out. For policy and router/create.
import type { ProfileSpec } from '../core/schedule.ts';
import { filters } from './filters/index.ts';
import { pickers } from './pickers/index.ts';
import { scorers } from './scorers/index.ts';

type Named<Table> = keyof Table & string;

function part<Kind extends string>(
  table: Readonly<Record<Kind, { options: { parse(of: unknown): unknown } }>>,
  kind: Kind,
) {
  return { kind, options: table[kind].options.parse({}) };
}

const cost = (kind: Named<typeof scorers>, weight = 1) => ({ ...part(scorers, kind), weight });

const ALL_FILTERS = [part(filters, 'zone'), part(filters, 'context')];

/**
 * Sticky until saturated: a run stays where its prompt is, new runs go where first content comes soonest. A move is
 * worth what reading the prompt anew takes; 60 s bounds that where a worker reads so slowly that its speed is in doubt.
 */
const sticky: ProfileSpec = {
  name: 'sticky',
  filters: ALL_FILTERS,
  scorers: [cost('first-content'), cost('queue'), cost('prefix-affinity')],
  picker: part(pickers, 'least'),
  sticky: { holds: 0.8, breakAfterMs: 60_000, restMs: 0 },
};

/**
 * The same, but new runs go where least was done in the last minutes, and wait some seconds for that worker where it is full: over
 * five or ten minutes the workers do more nearly the same. For pools of equal workers that serve agents, whose runs bring far more
 * work than a queue shows.
 */
const stickyEven: ProfileSpec = {
  ...sticky,
  name: 'sticky-even',
  scorers: [...sticky.scorers, cost('recent-work')],
  sticky: { holds: 0.8, breakAfterMs: 60_000, restMs: 10_000 },
};

const leastRequests: ProfileSpec = {
  name: 'least-requests',
  filters: ALL_FILTERS,
  scorers: [cost('queue')],
  picker: part(pickers, 'least'),
  sticky: null,
};

const roundRobin: ProfileSpec = {
  name: 'round-robin',
  filters: ALL_FILTERS,
  scorers: [],
  picker: part(pickers, 'round-robin'),
  sticky: null,
};

/** By outstanding tokens, which say more than calls where prompts differ a hundredfold. */
const p2c: ProfileSpec = {
  name: 'p2c',
  filters: ALL_FILTERS,
  scorers: [cost('load'), cost('queue')],
  picker: part(pickers, 'p2c'),
  sticky: null,
};

export const profiles = {
  sticky,
  'sticky-even': stickyEven,
  'least-requests': leastRequests,
  'round-robin': roundRobin,
  p2c,
} as const;
