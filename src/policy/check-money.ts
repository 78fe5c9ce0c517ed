// How `spillway check` and `spillway tenants` print plans, tenants, limits and prices. For the command line.
import { usdText } from '../core/money.ts';
import type { MinuteLimit, TenantLimits, TenantRules } from '../core/plan.ts';
import type { GpuPrice, TokenPrice } from '../core/prices.ts';
import type { Policy } from './policy.ts';
import { tenantRules } from './tenants.ts';

/** A tenant's rules as plain data; money in USD. */
export interface TenantJson {
  readonly plan: string | null;
  readonly weight: number;
  readonly priority: string;
  readonly zones: readonly string[] | null;
  readonly models: readonly string[] | null;
  readonly expires: string | null;
  readonly limits: {
    readonly requestsPerMinute: MinuteJson | null;
    readonly uncachedTokensPerMinute: MinuteJson | null;
    readonly inFlight: { readonly limit: number; readonly dryRun: boolean } | null;
    readonly usd: {
      readonly perHour: number | null;
      readonly perDay: number | null;
      readonly perMonth: number | null;
      readonly warnAt: readonly number[];
      readonly dryRun: boolean;
    } | null;
  };
}

interface MinuteJson {
  readonly limit: number;
  readonly burst: number;
  readonly dryRun: boolean;
}

const NANO = 1_000_000_000;

export function tenantJson({ plan, weight, priority, zones, models, expiresMs, limits }: TenantRules): TenantJson {
  const { requests, uncachedTokens, inFlight, spend } = limits;
  const minute = (limit: MinuteLimit | null) =>
    limit === null ? null : { limit: limit.perMinute, burst: limit.burst, dryRun: limit.dryRun };
  const usd = (amount: number | null) => (amount === null ? null : amount / NANO);
  return {
    plan,
    weight,
    priority,
    zones: zones === null ? null : [...zones],
    models,
    expires: expiresMs === null ? null : new Date(expiresMs).toISOString(),
    limits: {
      requestsPerMinute: minute(requests),
      uncachedTokensPerMinute: minute(uncachedTokens),
      inFlight,
      usd:
        spend === null
          ? null
          : {
              perHour: usd(spend.hour),
              perDay: usd(spend.day),
              perMonth: usd(spend.month),
              warnAt: spend.warnAt,
              dryRun: spend.dryRun,
            },
    },
  };
}

export function plansJson({ plans }: Policy): readonly (TenantJson & { readonly name: string })[] {
  return [...plans].map(([name, document]) => ({ name, ...tenantJson({ ...tenantRules({}, document), plan: name }) }));
}

/** `weight 4, up to interactive, zones eu, 600 requests a minute, $50.00 a day (warns at 80%)` */
export function rulesText(rules: TenantRules): string {
  const { plan, weight, priority, zones, models, expiresMs } = rules;
  return [
    ...(plan === null ? [] : [`plan ${plan}`]),
    `weight ${weight}`,
    `up to ${priority}`,
    ...(zones === null ? [] : [`zones ${[...zones].join(', ')}`]),
    ...(models === null ? [] : [`models ${models.join(', ')}`]),
    ...(expiresMs === null ? [] : [`until ${new Date(expiresMs).toISOString()}`]),
    ...limitTexts(rules.limits),
  ].join(', ');
}

export function planText(name: string, { plans }: Policy): string {
  return `plan ${name} (${rulesText(tenantRules({}, plans.get(name)))})`;
}

export function limitTexts({ requests, uncachedTokens, inFlight, spend }: TenantLimits): readonly string[] {
  const texts: string[] = [];
  if (requests !== null) texts.push(minuteText(requests, 'requests'));
  if (uncachedTokens !== null) texts.push(minuteText(uncachedTokens, 'uncached tokens'));
  if (inFlight !== null) texts.push(`${inFlight.limit} in flight${dryText(inFlight)}`);
  if (spend !== null) {
    const windows = [
      [spend.hour, 'an hour'],
      [spend.day, 'a day'],
      [spend.month, 'a month'],
    ] as const;
    const sums = windows.flatMap(([amount, window]) => (amount === null ? [] : [`${usdText(amount)} ${window}`]));
    const shares = spend.warnAt.map((share) => `${Math.round(share * 1e5) / 1e3}%`).join(' and ');
    texts.push(`${sums.join(', ')} (warns at ${shares})${dryText(spend)}`);
  }
  return texts;
}

function minuteText(limit: MinuteLimit, what: string): string {
  const { perMinute, burst } = limit;
  const most = burst === perMinute ? '' : ` (${burst} at once)`;
  return `${perMinute} ${what} a minute${most}${dryText(limit)}`;
}

function dryText({ dryRun }: { readonly dryRun: boolean }): string {
  return dryRun ? ' (dry run)' : '';
}

/** A price's rates in USD per million tokens. */
export interface PriceJson {
  readonly target: string;
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cachedRead: number;
  readonly cacheWrite: number;
  readonly cacheWriteLong: number;
  readonly tiers: readonly { readonly above: number; readonly input: number; readonly output: number }[];
  readonly perCall: number;
  readonly perItem: number;
  readonly batch: number;
  readonly serviceTiers: Readonly<Record<string, number>>;
  readonly asOf: string;
  readonly source: string | null;
}

const perMillion = (nano: number) => nano / 1000;

export function pricesJson({ prices }: Policy) {
  return {
    models: prices.models.map(
      ({ target, model, price }): PriceJson => ({
        target,
        model,
        input: perMillion(price.uncached),
        output: perMillion(price.output),
        cachedRead: perMillion(price.cachedRead),
        cacheWrite: perMillion(price.cacheWrite),
        cacheWriteLong: perMillion(price.cacheWriteLong),
        tiers: price.tiers.map((tier) => ({
          above: tier.abovePromptTokens,
          input: perMillion(tier.uncached),
          output: perMillion(tier.output),
        })),
        perCall: price.perCall / NANO,
        perItem: price.perItem / NANO,
        batch: price.batchFactor,
        serviceTiers: price.serviceTiers,
        asOf: price.asOf,
        source: price.source,
      }),
    ),
    gpus: [...prices.gpus].map(([name, { usdPerGpuHour, billed, term, asOf, source }]) => ({
      name,
      usdPerGpuHour,
      billed,
      term,
      asOf,
      source,
    })),
  };
}

export function priceLines({ prices }: Policy): readonly string[] {
  const models = prices.models.map(
    ({ target, model, price }) => `price ${target}/${model}: ${ratesText(price)}, as of ${price.asOf}`,
  );
  const gpus = [...prices.gpus].map(([name, price]) => `price of GPU ${name}: ${gpuText(price)}, as of ${price.asOf}`);
  return [...models, ...gpus];
}

function ratesText({ uncached, cachedRead, output, perCall, perItem, tiers }: TokenPrice): string {
  const usd = (nano: number) => `$${perMillion(nano)}`;
  const parts: string[] = [];
  if (uncached + output > 0)
    parts.push(`${usd(uncached)} in, ${usd(cachedRead)} cached, ${usd(output)} out per million tokens`);
  parts.push(
    ...tiers.map((tier) => `above ${tier.abovePromptTokens} tokens ${usd(tier.uncached)} in, ${usd(tier.output)} out`),
  );
  if (perCall > 0) parts.push(`${usdText(perCall)} a call`);
  if (perItem > 0) parts.push(`${usdText(perItem)} a document`);
  return parts.join(', ') || 'nothing';
}

/** `$2.1 an hour, always billed` */
export function gpuText({ usdPerGpuHour, gpus, billed }: GpuPrice): string {
  const many = gpus === 1 ? '' : ` for each of ${gpus} GPUs`;
  return `$${usdPerGpuHour} an hour${many}, billed ${billed === 'always' ? 'always' : 'while up'}`;
}
