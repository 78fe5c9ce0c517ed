// A slot where there is room: from a call's place before the gate to the slot given back. For parts.ts.
import type { Permit } from '../../src/core/gate.ts';
import type { Progress } from '../../src/router/progress.ts';
import { nodeClock } from '../../src/runtime/node/machine.ts';
import { seeded } from '../../src/simulation/chance.ts';
import { askers, placed } from '../pool/askers.ts';
import { openStand, type Stand } from '../pool/stand.ts';

const WORKERS = 8;
const SLOTS = 64;
/** Calls in flight while it is measured, so that workers differ. */
const BUSY = 32;
/** Calls that take turns: so many of each tenant. */
const TURNS = 8;

/** Of each tenant's calls half go on with a run that has its place at a worker; all share their beginning with others. */
export async function slot(tenants: number) {
  const random = seeded(1);
  const stand = openStand({ workers: WORKERS, slots: SLOTS, maxWaiting: 256, random });
  const ask = askers(tenants, stand, random);
  const calls = Array.from({ length: TURNS * tenants }, (_, at) => ask(at % tenants));
  for (let at = 0; at < BUSY; at++) granted(stand, ask(at % tenants)).began();
  let at = 0;
  return () => {
    at = at + 1 < calls.length ? at + 1 : 0;
    const permit = granted(stand, calls[at]!);
    permit.began();
    permit.close('won', 900);
    return permit;
  };
}

/** Where there is room, the gate answers at once. */
function granted(stand: Stand, progress: Progress): Permit {
  const nowMs = nodeClock.nowMs();
  const call = placed(stand, progress, nowMs);
  const answer = stand.gate.acquire(call, () => stand.choose(call, nowMs));
  if (answer instanceof Promise || 'refused' in answer) throw new Error('there was no room');
  return answer;
}
