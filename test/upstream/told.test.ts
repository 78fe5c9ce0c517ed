// What an attempt knows of its cost when it is over: times, search units and what was delivered. For src/upstream/attempt.
import { expect, it } from 'vitest';
import { EVENTS, play, STREAM_HEAD } from './scripted.ts';

const bytesOf = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const event = (value: object) => new TextEncoder().encode(`data: ${JSON.stringify(value)}\n\n`);
const timings = { prompt_ms: 10, predicted_ms: 32.5 };

it('of a stream: the time that its worker reports at the end, and each event with content as it goes on', () => {
  const { attempt, up } = play();
  up.sent();
  up.head(200, STREAM_HEAD);
  up.data(EVENTS.role);
  expect([attempt.contentEvents, attempt.reportedMs]).toEqual([0, null]);
  up.data(EVENTS.content);
  up.data(EVENTS.content);
  expect(attempt.contentEvents).toBe(2);
  expect(attempt.bytes).toBe(EVENTS.role.length + 2 * EVENTS.content.length);
  up.data(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], timings }));
  expect([attempt.reportedMs, attempt.searchUnits]).toEqual([42.5, null]);
});

it('of a whole reply: the same, from its body', () => {
  const { attempt, up } = play({ stream: false, body: { stream: false } });
  up.sent();
  up.head(200, { 'content-type': 'application/json' });
  up.data(bytesOf({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 1 }, service_tier: 'flex', timings }));
  up.end();
  expect(attempt.usage).toMatchObject({ uncachedTokens: 3, serviceTier: 'flex' });
  expect([attempt.reportedMs, attempt.contentEvents]).toEqual([42.5, 0]);
});

it('of a reply that was refused or cut: nothing', () => {
  const { attempt, up } = play({ stream: false, body: { stream: false } });
  up.sent();
  up.head(200, { 'content-type': 'application/json' });
  up.data(bytesOf({ choices: [], timings }).subarray(0, 20));
  up.fail({ kind: 'reset', text: '' });
  expect([attempt.usage, attempt.reportedMs, attempt.searchUnits]).toEqual([null, null, null]);
});
