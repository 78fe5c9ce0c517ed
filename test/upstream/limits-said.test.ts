// What an API says of money and of its limits is read from its own words, whatever a prompt says. For upstream/classify.
import { describe, expect, it } from 'vitest';
import { speaksOfMoney } from '../../src/upstream/money.ts';
import { coolDownMs } from '../../src/upstream/retry-after.ts';

describe('F068 money', () => {
  const said: readonly (readonly [unknown, boolean])[] = [
    [{ error: { code: 'insufficient_quota' } }, true],
    [{ error: { type: 'insufficient_quota', code: null } }, true],
    [{ error: { code: 'credit_balance_exhausted' } }, true],
    [{ error: { code: 'project_spend_limit_exceeded' } }, true],
    [{ error: { code: 'organization_usage_limit_exceeded' } }, true],
    [{ error: { type: 'billing_hard_limit_reached' } }, true],
    [
      { type: 'error', error: { type: 'rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } } },
      true,
    ],
    [{ error: { message: 'Your credit balance is too low to access the API.' } }, true],
    [[{ error: { code: 'insufficient_quota' } }], true],
    [{ error: { code: 'rate_limit_exceeded', message: 'Rate limit reached' } }, false],
    // Gemini's words for a rate limit.
    [{ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'You exceeded your current quota' } }, false],
    [{ error: { message: 'In "insufficient_quota spend_limit: Your credit balance is too low": rate limit' } }, false],
    [{ prompt: 'insufficient_quota', error: 'insufficient_quota' }, false],
    ['insufficient_quota', false],
    [null, false],
  ];
  it.each(said)('%j: %s', (body, expected) => {
    expect(speaksOfMoney(JSON.stringify(body))).toBe(expected);
  });

  it('is not found in a text that is no JSON', () => {
    for (const text of ['', 'insufficient_quota', '{"error":{"code":"insufficient_quota"'])
      expect(speaksOfMoney(text)).toBe(false);
  });
});

describe('F069 resets of limits', () => {
  const wallMs = Date.parse('2026-11-22T12:00:00Z');
  const openai = (remaining: string, reset: string) => ({
    'x-ratelimit-remaining-tokens': remaining,
    'x-ratelimit-reset-tokens': reset,
  });
  const anthropic = (remaining: string, reset: string) => ({
    'anthropic-ratelimit-input-tokens-remaining': remaining,
    'anthropic-ratelimit-input-tokens-reset': reset,
  });
  const table: readonly (readonly [Record<string, string>, number | null])[] = [
    [openai('0', '12ms'), 12],
    [openai('0', '1.5s'), 1500],
    [openai('0', '0m30s'), 30_000],
    [openai('0', '6m0s'), 60_000],
    [openai('0', '1h'), 60_000],
    [openai('7', '30s'), null],
    [openai('0', ''), null],
    [openai('0', 's'), null],
    [openai('0', '-5s'), null],
    [openai('-1', '0'), null],
    [anthropic('0', '2026-11-22T12:00:30Z'), 30_000],
    [anthropic('0', '2026-11-22T11:59:00Z'), 0],
    [anthropic('0', '2027-01-01T00:00:00Z'), 60_000],
    [anthropic('0', '12:xx'), null],
    [anthropic('12', '2026-11-22T12:00:30Z'), null],
    [{ ...openai('0', '9s'), 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '20s' }, 20_000],
    [{ ...openai('0', '9s'), 'retry-after': '2' }, 2000],
  ];
  it.each(table)('%j: %s ms', (headers, expected) => {
    expect(coolDownMs(headers, wallMs)).toBe(expected);
  });
});
