// What a tenant may ask at all. For src/admission/access.
import { expect, it } from 'vitest';
import { checkNotExpired, mayAskModel } from '../../src/admission/access.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

it('a tenant may ask the models that its names and patterns say, or all', () => {
  const models = ['support-7b', 'gpt-*', 'a*b*c'];
  const asked = ['support-7b', 'support-7b2', 'gpt-', 'gpt-5', 'xgpt-5', 'abc', 'axxbyyc', 'ab', ''];
  expect(asked.filter((model) => mayAskModel(model, { models }))).toEqual([
    'support-7b',
    'gpt-',
    'gpt-5',
    'abc',
    'axxbyyc',
  ]);
  expect(asked.every((model) => mayAskModel(model, { models: null }))).toBe(true);
  expect(asked.some((model) => mayAskModel(model, { models: [] }))).toBe(false);
});

it('a tenant whose time is over is told so, from that very moment on', () => {
  const clock = new VirtualClock();
  const rules = { expiresMs: clock.wallMs() + 1 };
  checkNotExpired('acme', rules, clock);
  checkNotExpired('acme', { expiresMs: null }, clock);
  clock.advance(1);
  expect(() => checkNotExpired('acme', rules, clock)).toThrow(
    expect.objectContaining({ code: 'not_allowed', status: 403, message: expect.stringContaining('acme has ended') }),
  );
});
