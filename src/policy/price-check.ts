// Whether prices belong to something, and whether they are of today. For the loader.
import type { ModelPlan } from '../core/plan.ts';
import type { Policy } from './policy.ts';
import { mayMeet, type PriceEntry } from './price-list.ts';
import type { Path, Reporter } from './problems.ts';
import type { PolicyDocument } from './schema.ts';
import { choicesText, quoted } from './suggest.ts';

const DAY_MS = 86_400_000;
/** Vendors change prices several times a year. */
const OLD_DAYS = 60;

export function checkPrices(
  policy: Policy,
  document: PolicyDocument,
  models: readonly ModelPlan[],
  kinds: readonly string[],
  wallMs: number | null,
  report: Reporter,
): void {
  const targets = [...Object.keys(document.pools), ...Object.keys(document.providers), ...kinds];
  for (const entry of policy.prices.models) {
    const { target, model, price } = entry;
    const path = ['prices', 'models', `${target}/${model}`];
    if (!targets.includes(target))
      report.warning(path, `is of no target: ${quoted(target)}. ${choicesText(target, targets)}`);
    const users = models.filter((plan) => isUsed(entry, plan, policy));
    if (wallMs !== null) checkAge(price.asOf, users.length > 0, path, wallMs, report);
    const chat = users.find(({ rules }) => rules.class === 'chat');
    if (chat !== undefined && document.prices.models[`${target}/${model}`]!.output === undefined && price.perCall === 0)
      report.warning(path, `names no output price: replies of ${chat.model} cost nothing there`);
  }
  const used = new Set(Object.values(document.pools).flatMap(({ workers }) => workers.map(gpuOf)));
  for (const [name, price] of policy.prices.gpus)
    if (wallMs !== null) checkAge(price.asOf!, used.has(name), ['prices', 'gpus', name], wallMs, report);
}

/** Old figures matter where something is paid by them; those of tomorrow are a slip anywhere. */
function checkAge(asOf: string, used: boolean, path: Path, wallMs: number, report: Reporter): void {
  const ageDays = Math.floor((wallMs - Date.parse(asOf)) / DAY_MS);
  // Somewhere on earth it is tomorrow already.
  if (ageDays < -1) report.warning([...path, 'asOf'], `lies in the future: ${asOf}`);
  else if (used && ageDays > OLD_DAYS)
    report.warning([...path, 'asOf'], `is ${ageDays} days old: look the price up again, then give the new date`);
}

function isUsed({ target, model }: PriceEntry, plan: ModelPlan, { providers }: Policy): boolean {
  return plan.rungs.some((rung) => {
    const { kind, name, serves } = rung.target;
    const is =
      target === name || (kind === 'provider' && providers.some((spec) => spec.name === name && spec.kind === target));
    return is && mayMeet(model, serves ?? plan.model);
  });
}

function gpuOf(worker: object): unknown {
  return 'gpu' in worker ? worker.gpu : undefined;
}
