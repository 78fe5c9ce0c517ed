// How a plan's or a tenant's limits are written: rates a minute, calls in flight, money. For policy/tenants.
import { z } from 'zod';
import { nanoUsd } from '../core/money.ts';
import type { MinuteLimit, SpendLimits, TenantLimits } from '../core/plan.ts';
import { AMOUNT_MESSAGE, amount, amountForms, count, number, percent } from './units.ts';

const FORMS = 'none, or a mapping with limit';
const dryRun = () => z.boolean().optional().describe('true: counted and told, never refused. Default: false.');
/** Lifts what the plan says. */
const none = () => z.literal('none');

/** 600, 400k, none, or `{ limit, burst, dryRun }`. */
function minuteLimit(text: string) {
  const own = z.strictObject({
    limit: amount().describe('Units a minute.'),
    burst: amount().optional().describe("Units that may come at once. Default: one minute's worth."),
    dryRun: dryRun(),
  });
  return z
    .union([...amountForms(), none(), own], { error: `${AMOUNT_MESSAGE}, ${FORMS}` })
    .optional()
    .describe(text);
}

const MOST_IN_FLIGHT = 1_000_000;

function inFlight() {
  const limit = () => count(1, MOST_IN_FLIGHT);
  const own = z.strictObject({ limit: limit().describe('Calls.'), dryRun: dryRun() });
  return z
    .union([limit(), none(), own], { error: `must be a whole number from 1 to ${MOST_IN_FLIGHT}, ${FORMS}` })
    .optional()
    .describe('Calls in flight, those in line among them. A number, none, or { limit, dryRun }.');
}

const shares = () => z.array(percent()).min(1, 'needs at least one share').max(8, 'has more than 8 shares');

function usd() {
  const money = (window: string) =>
    number(0, 9_000_000).optional().describe(`USD ${window}, by the calendar in UTC. Default: no limit.`);
  const warnAt = z
    .union([percent(), shares()], { error: 'must be a share such as 80%, or a list of shares' })
    .optional()
    .describe('Shares of a limit at which the operator is warned: 80%, or [80%, 95%]. Default: 80%.');
  const own = z
    .strictObject({
      perHour: money('an hour'),
      perDay: money('a day'),
      perMonth: money('a month'),
      warnAt,
      dryRun: dryRun(),
    })
    .refine(
      ({ perHour, perDay, perMonth }) => perHour !== undefined || perDay !== undefined || perMonth !== undefined,
      {
        error: 'needs at least one of perHour, perDay and perMonth',
      },
    );
  return z
    .union([none(), own], { error: 'must be none, or a mapping with perHour, perDay or perMonth' })
    .optional()
    .describe('Money that calls may be charged. Every target that they can reach must have a price.');
}

export const limitFields = () => ({
  requestsPerMinute: minuteLimit('Calls a minute. A number, 10k, none, or { limit, burst, dryRun }.'),
  uncachedTokensPerMinute: minuteLimit(
    'Tokens a minute that have to be worked for: of prompts what no cache holds, and of replies all. A number, 400k, 5M, none, or { limit, burst, dryRun }.',
  ),
  inFlight: inFlight(),
  usd: usd(),
});

const limitSchema = () => z.strictObject(limitFields());
export type LimitDocument = z.output<ReturnType<typeof limitSchema>>;

export function tenantLimits({
  requestsPerMinute,
  uncachedTokensPerMinute,
  inFlight,
  usd,
}: LimitDocument): TenantLimits {
  return {
    requests: minuteOf(requestsPerMinute),
    uncachedTokens: minuteOf(uncachedTokensPerMinute),
    inFlight: slotsOf(inFlight),
    spend: spendOf(usd),
  };
}

function minuteOf(given: LimitDocument['requestsPerMinute']): MinuteLimit | null {
  if (given === undefined || given === 'none') return null;
  if (typeof given === 'number') return { perMinute: given, burst: given, dryRun: false };
  return { perMinute: given.limit, burst: given.burst ?? given.limit, dryRun: given.dryRun ?? false };
}

function slotsOf(given: LimitDocument['inFlight']): TenantLimits['inFlight'] {
  if (given === undefined || given === 'none') return null;
  return typeof given === 'number'
    ? { limit: given, dryRun: false }
    : { limit: given.limit, dryRun: given.dryRun ?? false };
}

function spendOf(given: LimitDocument['usd']): SpendLimits | null {
  if (given === undefined || given === 'none') return null;
  const { perHour, perDay, perMonth, warnAt = 0.8, dryRun = false } = given;
  const amountOf = (usd: number | undefined) => (usd === undefined ? null : nanoUsd(usd));
  return {
    hour: amountOf(perHour),
    day: amountOf(perDay),
    month: amountOf(perMonth),
    warnAt: typeof warnAt === 'number' ? [warnAt] : [...new Set(warnAt)].sort((a, b) => a - b),
    dryRun,
  };
}
