// Whether what plans and tenants name is there, and whether what they limit can be counted. For the loader and the catalog.
import type { ModelPlan, Rung, TenantRules } from '../core/plan.ts';
import { targetLabel } from './ladders.ts';
import { mappingOf } from './model-names.ts';
import type { Policy } from './policy.ts';
import { covers, isPriced, mayMeet } from './price-list.ts';
import type { Path, Reporter } from './problems.ts';
import { choicesText, quoted } from './suggest.ts';
import { ANY_TENANT, type PlanDocument, type TenantDocument } from './tenants.ts';

/** On the document as written, so that it stands beside what the schema finds. */
export function checkPlanNames(raw: unknown, report: Reporter): void {
  const root = mappingOf(raw);
  const plans = Object.keys(mappingOf(root['plans']));
  const tenants = mappingOf(root['tenants']);
  for (const [tenant, entry] of Object.entries(tenants)) {
    const plan = mappingOf(entry)['plan'];
    if (typeof plan !== 'string' || plans.includes(plan)) continue;
    report.problem(['tenants', tenant, 'plan'], `unknown plan ${quoted(plan)}. ${choicesText(plan, plans)}`);
  }
}

/** `documents`: what each tenant says itself. */
export function checkTenants(
  policy: Policy,
  documents: Readonly<Record<string, TenantDocument>>,
  models: readonly ModelPlan[],
  wallMs: number | null,
  report: Reporter,
): void {
  for (const [name, plan] of policy.plans) checkNames(plan, ['plans', name], policy, models, report);
  for (const [name, rules] of policy.tenants) {
    const entry = documents[name]!;
    checkTenant(rules, entry, ['tenants', name], policy, models, report);
    if (wallMs !== null && rules.expiresMs !== null && rules.expiresMs <= wallMs)
      report.warning(['tenants', name, 'expires'], 'is over: nothing more may be asked');
  }
}

/** `at`: where the entry stands; its own keys are named below it. */
export function checkTenant(
  rules: TenantRules,
  entry: TenantDocument,
  at: Path,
  policy: Policy,
  models: readonly ModelPlan[],
  report: Reporter,
): void {
  checkNames(entry, at, policy, models, report);
  const keyOf = (key: keyof PlanDocument): Path => [...at, entry[key] === undefined ? 'plan' : key];
  const reached = reachable(rules, policy, models);
  const { uncachedTokens, spend } = rules.limits;
  if (uncachedTokens !== null && !uncachedTokens.dryRun) {
    const longest = Math.max(0, ...reached.map(({ rung }) => rung.target.contextTokens ?? 0));
    if (longest > uncachedTokens.burst)
      report.warning(
        keyOf('uncachedTokensPerMinute'),
        `lets no call through that needs more than ${uncachedTokens.burst} tokens at once, and prompts of up to ${longest} fit its models; say { limit, burst }`,
      );
  }
  if (spend === null) return;
  const said = new Set<string>();
  for (const { plan, rung, asked } of reached) {
    if (hasPrice(rung, asked, policy)) continue;
    const where = `rung ${rung.number} of ${plan.model}`;
    if (said.has(where)) continue;
    said.add(where);
    const whose = at.at(-1) === ANY_TENANT ? 'whoever has no entry' : at.length === 0 ? 'it' : String(at.at(-1));
    const text = `limits money, and ${where} (${targetLabel(rung.target)}), which ${whose} can reach, has no price: ${wayOut(rung, asked)}`;
    if (spend.dryRun) report.warning(keyOf('usd'), text);
    else report.problem(keyOf('usd'), text);
  }
}

function checkNames(
  entry: PlanDocument,
  at: Path,
  policy: Policy,
  models: readonly ModelPlan[],
  report: Reporter,
): void {
  const zones = [
    ...new Set([...policy.pools.map(({ target }) => target.zone), ...policy.providers.map(({ zone }) => zone)]),
  ];
  const there = zones.filter((zone) => zone !== null);
  for (const [index, zone] of (entry.zones ?? []).entries()) {
    if (!there.includes(zone))
      report.warning([...at, 'zones', index], `no target is in zone ${quoted(zone)}. ${choicesText(zone, there)}`);
  }
  const names = policy.models.flatMap(({ name, aliases }) => [name, ...aliases]);
  const present = new Set(models.map(({ model }) => model));
  for (const [index, model] of (entry.models ?? []).entries()) {
    if (names.some((name) => mayMeet(model, name))) continue;
    const served = policy.models.flatMap(({ name, aliases }) => (present.has(name) ? [name, ...aliases] : []));
    report.warning([...at, 'models', index], `fits no model: ${quoted(model)}. ${choicesText(model, served)}`);
  }
}

interface Reached {
  readonly plan: ModelPlan;
  readonly rung: Rung;
  /** What is asked at the target: a name, or a pattern where callers choose it. */
  readonly asked: string;
}

/** Where a tenant's calls may go, whatever else they need. */
function reachable({ zones, models }: TenantRules, policy: Policy, plans: readonly ModelPlan[]): Reached[] {
  const aliases = new Map(policy.models.map((model) => [model.name, model.aliases]));
  return plans.flatMap((plan) => {
    const names = askable(plan.model, aliases.get(plan.model) ?? [], models);
    if (names.length === 0) return [];
    return plan.rungs.flatMap((rung) => {
      const { zone, serves } = rung.target;
      if (zones !== null && (zone === null || !zones.has(zone))) return [];
      return (serves === null ? names : [serves]).map((asked) => ({ plan, rung, asked }));
    });
  });
}

/** Names, or patterns, that a tenant may ask a model by. A named model is asked for itself, whatever its alias. */
function askable(model: string, aliases: readonly string[], allowed: readonly string[] | null): readonly string[] {
  const all = model.includes('*') ? [model, ...aliases] : [model];
  if (allowed === null) return all;
  const may = (name: string) => allowed.some((pattern) => mayMeet(pattern, name));
  if (!model.includes('*')) return may(model) || aliases.some(may) ? all : [];
  const fitting = allowed.filter((pattern) => mayMeet(pattern, model));
  const within = fitting.every((pattern) => covers(model, pattern)) ? fitting : [model];
  return [...within, ...aliases.filter(may)];
}

function hasPrice({ target }: Rung, asked: string, policy: Policy): boolean {
  if (isPriced(target, asked, policy)) return true;
  if (target.kind === 'provider') return false;
  const pool = policy.pools.find((spec) => spec.target.name === target.name);
  return pool?.workers.every(({ gpu }) => gpu !== null) ?? false;
}

function wayOut({ target }: Rung, asked: string): string {
  const key = `prices.models.${JSON.stringify(`${target.name}/${asked}`)}`;
  return target.kind === 'provider' ? `give ${key}` : `give its workers gpu or usdPerGpuHour, or give ${key}`;
}
