// What comes out on the other side is what went in, and numbers that are none keep nothing from being written. For src/stores/sqlite.
import { expect, it } from 'vitest';
import type { CallRecord } from '../../src/core/ledger.ts';
import { CallPacker } from '../../src/stores/sqlite/ledger-codec.ts';
import { CallUnpacker } from '../../src/stores/sqlite/ledger-unpack.ts';
import { chance } from './chance.ts';
import { attempt, call, chanceCall } from './ledger-records.ts';

/** A usage that does not say a number of cached tokens written has written none. */
const full = (record: CallRecord): CallRecord => {
  const usage = <T extends CallRecord['usage']>(of: T) =>
    of === null
      ? null
      : { ...of, cacheWriteTokens: of.cacheWriteTokens ?? 0, cacheWriteLongTokens: of.cacheWriteLongTokens ?? 0 };
  const attempts = record.attempts.map((one) => ({ ...one, usage: usage(one.usage) }));
  return { ...record, usage: usage(record.usage), attempts };
};

it('records of chance come out as they went in, in batches of any size', () => {
  const { random, seed } = chance();
  const [packer, unpacker] = [new CallPacker(), new CallUnpacker()];
  const read: (() => readonly CallRecord[])[] = [];
  const records = Array.from({ length: 1_500 }, () => chanceCall(random));
  for (const record of records) {
    packer.add(record);
    if (random() < 0.02) read.push(unpacker.accept(structuredClone(packer.take())));
  }
  read.push(unpacker.accept(packer.take()));
  expect(packer.take().count).toBe(0);
  expect(
    read.flatMap((batch) => batch()),
    `seed ${seed}`,
  ).toEqual(records.map(full));
});

it('texts are said anew when there are too many, or when a batch did not go over', () => {
  const [packer, unpacker] = [new CallPacker(), new CallUnpacker()];
  const records = Array.from({ length: 30_000 }, (_, at) => call({ asked: `model-${at}`, tenant: `t-${at % 7}` }));
  let anew = 0;
  const early: (() => readonly CallRecord[])[] = [];
  for (let at = 0; at < records.length; at += 250) {
    for (const record of records.slice(at, at + 250)) packer.add(record);
    const batch = packer.take();
    if (batch.fresh) anew++;
    if (at % 5_000 === 0) packer.repeat();
    else early.push(unpacker.accept(batch));
  }
  expect(anew).toBeGreaterThan(3);
  // Batches that wait are still read by the texts of their time.
  const lost = new Set(records.filter((_, at) => Math.floor(at / 250) % 20 === 0));
  const kept = records.filter((record) => !lost.has(record));
  expect(early.flatMap((read) => read().map(({ asked, tenant }) => [asked, tenant]))).toEqual(
    kept.map(({ asked, tenant }) => [asked, tenant]),
  );
});

it('a number that is none counts as 0, a fraction of money as the nearest whole', () => {
  const packer = new CallPacker();
  const bad = { cost: Number.NaN, charge: Number.POSITIVE_INFINITY, queueMs: -5, inputTokens: 1.4 };
  packer.add(call({ ...bad, attempts: [attempt({ cost: -1, gpuMs: Number.NaN, durationMs: Number.NaN })] }));
  const [record] = new CallUnpacker().accept(packer.take())();
  expect(record).toMatchObject({ cost: 0, charge: Number.MAX_SAFE_INTEGER, queueMs: 0, inputTokens: 1 });
  expect(record!.attempts[0]).toMatchObject({ cost: 0, gpuMs: null, durationMs: 0 });
});
