// Which rungs of a plan may answer one call: what the call needs, and what its caller may and wants. For the router, per call.
import { RouterError } from '../core/errors.ts';
import type { Capability, DialectName } from '../core/names.ts';
import type { ModelPlan, Rung, Target } from '../core/plan.ts';
import type { Wants } from '../core/request.ts';

/** What of a call decides over rungs. */
export interface CallNeeds {
  readonly dialect: DialectName;
  readonly capabilities: readonly Capability[];
  readonly wants: Wants;
  /** Prompt tokens that must fit at once, by estimate: of a list, an entry's. */
  readonly contextTokens: number;
  /** Zones that the tenant's calls may go to; null = all. */
  readonly zones: ReadonlySet<string> | null;
  /** The caller may reach managed APIs. */
  readonly managed: boolean;
  /** What the call continues is stored at its target: it must not move. */
  readonly stored: boolean;
  /** The target that is known to store it; null where nothing tells. */
  readonly storedAt: string | null;
}

/** The plan itself when every rung may answer, which is the usual call: nothing is allocated then. */
export function planFor(plan: ModelPlan, call: CallNeeds): { readonly rungs: readonly Rung[] } | RouterError {
  let allFit = true;
  for (const rung of plan.rungs) {
    if (!fits(rung, call)) {
      allFit = false;
      break;
    }
  }
  if (allFit && !call.stored) return plan;
  const rungs = plan.rungs.filter((rung) => fits(rung, call));
  const [top] = rungs;
  if (top !== undefined) {
    if (!call.stored) return { rungs };
    return { rungs: [rungs.find(({ target }) => target.name === call.storedAt) ?? top] };
  }
  const why = plan.rungs.map((rung) => `${rung.target.name} (${obstacle(rung, call)})`).join(', ');
  const code = plan.rungs.every(({ target }) => !isInZone(target, call.zones)) ? 'not_allowed' : 'no_eligible_target';
  return new RouterError(code, `No target fits: ${why}.`);
}

/** What is written of a prompt before it is tokenised is an estimate: so much of it is sure. */
const SURE_SHARE = 0.6;

function holds({ contextTokens }: Target, asked: number): boolean {
  return contextTokens === null || asked * SURE_SHARE <= contextTokens;
}

function isInZone({ zone }: Target, zones: ReadonlySet<string> | null): boolean {
  return zones === null || (zone !== null && zones.has(zone));
}

/** Some rung is there for this caller, whatever the call. */
export function isReachable(plan: ModelPlan, managed: boolean): boolean {
  return managed || plan.rungs.some(({ target }) => target.kind !== 'provider');
}

function fits({ target, same, number }: Rung, call: CallNeeds): boolean {
  const { dialect, capabilities, wants, managed } = call;
  const can = target.capabilities;
  return (
    target.speaks.has(dialect) &&
    (managed || target.kind !== 'provider') &&
    (same || wants.degrade !== 'never') &&
    (wants.minRung === null || number <= wants.minRung) &&
    isInZone(target, call.zones) &&
    holds(target, call.contextTokens) &&
    (can === null || (hasAll(can, capabilities) && hasAll(can, wants.require)))
  );
}

function hasAll(capabilities: ReadonlySet<Capability>, asked: readonly Capability[]): boolean {
  for (const capability of asked) if (!capabilities.has(capability)) return false;
  return true;
}

function obstacle({ target, same, number }: Rung, call: CallNeeds): string {
  const { wants } = call;
  if (!target.speaks.has(call.dialect)) return `does not speak ${call.dialect}`;
  if (!call.managed && target.kind === 'provider') return 'managed API: needs a key';
  if (!isInZone(target, call.zones))
    return `zone ${target.zone ?? 'not declared'} not in [${[...call.zones!].join(', ')}]`;
  if (!holds(target, call.contextTokens)) return `context ${target.contextTokens} < ${Math.round(call.contextTokens)}`;
  const can = target.capabilities;
  const lacking =
    can === null ? [] : [...new Set([...call.capabilities, ...wants.require])].filter((one) => !can.has(one));
  if (lacking.length > 0) return lacking.map((one) => `no ${one}`).join(', ');
  if (!same && wants.degrade === 'never') return 'substitute, degrade never';
  return `rung ${number}, below min rung ${wants.minRung}`;
}
