// One call's money, reserved and charged while 32 others of its tenant are in flight. For parts.ts.
import { SpendAccounts } from '../../src/ledger/spend-book.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import type { Run } from './part.ts';

const USD = 1_000_000_000;
const WISH = {
  tenant: 'acme',
  limits: { hour: null, day: 1_000 * USD, month: 9_000 * USD, warnAt: [0.5, 0.8, 1], dryRun: false },
  likely: 2_000_000,
  most: 9_000_000,
};

/** The store is asked for a slice of one hundredth of the limit, so once in thousands of calls. */
export async function reserveAndClose(): Promise<Run> {
  let spent = 0;
  const hold = ({ amount }: { readonly amount: number }) => {
    // Each day of this bench is a new one as soon as half of it is spent.
    if (spent > 500 * USD) spent = 0;
    const times = { startMs: 0, resetsMs: nodeClock.wallMs() + 86_400_000 };
    const windows = [{ window: 'day', limit: 1_000 * USD, spent, ...times }] as const;
    return { held: amount, free: 1_000 * USD - spent - amount, windows };
  };
  const ledger = { hold, health: { ok: true, failingSinceMs: null, waiting: 0, lost: 0 } };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const book = new SpendAccounts({ ledger, clock: { ...nodeClock, after: () => ({ cancel() {} }) }, log });
  for (let other = 0; other < 32; other++) book.reserve(WISH);
  return () => {
    const answer = book.reserve(WISH);
    if (answer instanceof Promise || !answer.granted) throw new Error('no call of this bench is kept waiting');
    spent += 1_000_000;
    answer.close(1_000_000);
    return answer;
  };
}
