// Which rungs of a plan may answer one call: what the call needs and what its caller forbids. For the router, per call.
import { RouterError } from '../core/errors.ts';
import type { Capability } from '../core/names.ts';
import type { ModelPlan, Rung } from '../core/plan.ts';
import type { Wants } from '../core/request.ts';

/** The plan itself when every rung may answer, which is the usual call: nothing is allocated then. */
export function planFor(
  plan: ModelPlan,
  needs: readonly Capability[],
  wants: Wants,
): { readonly rungs: readonly Rung[] } | RouterError {
  let allFit = true;
  for (const rung of plan.rungs) {
    if (!fits(rung, needs, wants)) {
      allFit = false;
      break;
    }
  }
  if (allFit) return plan;
  const rungs = plan.rungs.filter((rung) => fits(rung, needs, wants));
  if (rungs.length > 0) return { rungs };
  const why = plan.rungs.map((rung) => `${rung.target.name} (${obstacle(rung, needs, wants)})`).join(', ');
  return new RouterError('no_eligible_target', `No target fits: ${why}.`);
}

function fits(rung: Rung, needs: readonly Capability[], wants: Wants): boolean {
  const { capabilities } = rung.target;
  return (
    (rung.same || wants.degrade !== 'never') &&
    (wants.minRung === null || rung.number <= wants.minRung) &&
    (capabilities === null || (hasAll(capabilities, needs) && hasAll(capabilities, wants.require)))
  );
}

function hasAll(capabilities: ReadonlySet<Capability>, asked: readonly Capability[]): boolean {
  for (const capability of asked) if (!capabilities.has(capability)) return false;
  return true;
}

function obstacle(rung: Rung, needs: readonly Capability[], wants: Wants): string {
  const { capabilities } = rung.target;
  const lacking =
    capabilities === null ? [] : [...new Set([...needs, ...wants.require])].filter((one) => !capabilities.has(one));
  if (lacking.length > 0) return lacking.map((one) => `no ${one}`).join(', ');
  if (!rung.same && wants.degrade === 'never') return 'substitute, degrade never';
  return `rung ${rung.number}, below min rung ${wants.minRung}`;
}
