// Durations and addresses as people write them. For src/core/units.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, MAX_DURATION_MS, parseAddress, parseDuration } from '../../src/core/units.ts';

describe('a duration', () => {
  it.each([
    ['700ms', 700],
    ['0s', 0],
    ['1.5s', 1_500],
    ['0.001s', 1],
    ['10m', 600_000],
    ['24h', 86_400_000],
    [`${MAX_DURATION_MS}ms`, MAX_DURATION_MS],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '5',
    's',
    '-1s',
    '1 s',
    '1S',
    '1d',
    '1e3s',
    '1.s',
    '.5s',
    '1.0001s',
    ' 1s',
    '1s ',
    '1s2m',
    '9999999999h',
    '2147483648ms',
  ])('"%s" is none', (text) => {
    expect(parseDuration(text)).toBe(null);
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_DURATION_MS }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
      { numRuns: 1000 },
    );
    expect([90_000, 600_000, 7_200_000, 1, 0].map(formatDuration)).toEqual(['90s', '10m', '2h', '1ms', '0s']);
  });
});

describe('an address', () => {
  it.each([
    ['127.0.0.1:8787', { host: '127.0.0.1', port: 8787 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['my-host.internal:1', { host: 'my-host.internal', port: 1 }],
  ])('%s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each([
    '',
    '8787',
    ':8787',
    'host',
    'host:',
    'host:x',
    'host:65536',
    'host:-1',
    '::1:80',
    '[::1]',
    '[x]:1',
    'a b:1',
    'http://h:1',
    'h:1/',
    'u@h:1',
  ])('"%s" is none', (text) => {
    expect(parseAddress(text)).toBe(null);
  });
});
