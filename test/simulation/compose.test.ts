// Traffic made of traces: who begins when, what prompts share, how often clients call. For src/simulation/compose and session.
import { describe, expect, it } from 'vitest';
import { seeded } from '../../src/simulation/chance.ts';
import { callTraffic, clientCalls, sessionTraffic } from '../../src/simulation/compose.ts';
import { sessionScript } from '../../src/simulation/session.ts';
import { trace } from './staged.ts';

const { sessions } = trace('claude-code.jsonl', 'sessions');
const ROLE = {
  tenant: 'acme',
  model: 'chat',
  priority: null,
  instance: 0,
  startMs: 0,
  skip: 0,
  maxThinkMs: 60_000,
};

function shared(a: readonly number[], b: readonly number[]): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return same;
}

describe('a session', () => {
  const steps = (role: Partial<typeof ROLE> = {}, session = sessions[0]!) => [
    ...sessionScript(session, { ...ROLE, ...role }).steps(),
  ];

  it('has prompts that begin like the one before, by as many blocks as were recorded', () => {
    const blocks = steps().map(({ call }) => call.blocks);
    const { calls } = sessions[0]!;
    for (let at = 1; at < calls.length; at++) {
      expect(shared(blocks[at - 1]!, blocks[at]!)).toBeGreaterThanOrEqual(
        Math.min(calls[at]!.keep, blocks[at]!.length),
      );
    }
  });

  it('shares tools and system prompt, and nothing else, with the same session played again', () => {
    const [once, again] = [steps({ instance: 1 }), steps({ instance: 2 })];
    const { toolTokens, systemTokens } = sessions[0]!;
    const common = Math.floor((toolTokens + systemTokens) / 64);
    expect(shared(once[0]!.call.blocks, again[0]!.call.blocks)).toBe(common);
    expect(once[0]!.call.blocks.slice(common).filter((block) => again[0]!.call.blocks.includes(block))).toEqual([]);
    expect(once[0]!.call.print!.common).toBe(again[0]!.call.print!.common);
    expect(once[0]!.call.print!.opening).not.toBe(again[0]!.call.print!.opening);
    expect(once[0]!.call.run!.run).not.toBe(again[0]!.call.run!.run);
  });

  it('that is entered in the middle has the prompt that it would have there', () => {
    const whole = steps();
    const entered = steps({ skip: 2 });
    expect(entered.length).toBe(whole.length - 2);
    expect(entered[0]!.call.blocks).toEqual(whole[2]!.call.blocks);
    expect(entered[0]!.thinkMs).toBe(0);
  });

  it('pauses as recorded, up to the longest pause allowed', () => {
    const { calls } = sessions[0]!;
    expect(
      steps()
        .map(({ thinkMs }) => thinkMs)
        .slice(1),
    ).toEqual(calls.slice(1).map(({ thinkMs }) => Math.min(60_000, thinkMs)));
  });

  it('starts sub-agents of the same run', () => {
    const starting = steps().find(({ starts }) => starts.length > 0)!;
    const [sub] = [...starting.starts[0]!.steps()];
    expect(sub!.call.run).toEqual({ ...starting.call.run, agent: 'trace_0254/agent_001' });
  });
});

describe('traffic of sessions', () => {
  it('has sessions begin at random at the given rate, by tenants in their shares', () => {
    const scripts = sessionTraffic({
      sessions,
      tenants: [
        { name: 'a', share: 3 },
        { name: 'b', share: 1 },
      ],
      model: 'chat',
      priority: null,
      sessionsPerSecond: 2,
      untilMs: 1_000_000,
      maxThinkMs: 60_000,
      isUnderWay: false,
      random: seeded(1),
    });
    expect(scripts.length).toBeGreaterThan(1_900);
    expect(scripts.length).toBeLessThan(2_100);
    const owners = scripts.map((script) => [...script.steps()][0]!.call.tenant);
    expect(owners.filter((owner) => owner === 'a').length / owners.length).toBeCloseTo(0.75, 1);
    const gaps = scripts.slice(1).map(({ startMs }, at) => startMs - scripts[at]!.startMs);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(deviation / mean).toBeCloseTo(1, 1);
  });

  it('can begin with sessions that are under way: then calls come as often from the start as later on', () => {
    const scripts = sessionTraffic({
      sessions,
      tenants: [{ name: 'a', share: 1 }],
      model: 'chat',
      priority: null,
      sessionsPerSecond: 1,
      untilMs: 2_000_000,
      maxThinkMs: 60_000,
      isUnderWay: true,
      random: seeded(1),
    });
    // Each call at its recorded time, as if answers took as long as there.
    const times = scripts.flatMap((script) => {
      let atMs = script.startMs;
      return [...script.steps()].map(({ thinkMs, call }) => {
        atMs += thinkMs;
        const beganMs = atMs;
        const recorded = sessions.flatMap(({ calls }) => calls).find((one) => one.inputTokens === call.inputTokens)!;
        atMs += recorded.tookMs ?? 2_550 + (recorded.outputTokens * 1_000) / 56;
        return beganMs;
      });
    });
    const perMinute = (fromMs: number, untilMs: number) =>
      (times.filter((ms) => ms >= fromMs && ms < untilMs).length / (untilMs - fromMs)) * 60_000;
    const later = perMinute(1_000_000, 2_000_000);
    expect(Math.abs(perMinute(0, 100_000) / later - 1)).toBeLessThan(0.1);
    expect(Math.abs(perMinute(100_000, 300_000) / later - 1)).toBeLessThan(0.1);
    const known = scripts.filter((script) => [...script.steps()][0]!.call.isKnown).length;
    expect(known).toBeGreaterThan(50);
  });
});

describe('single calls', () => {
  it('keep their order and distances at another speed', () => {
    const { calls } = trace('azure-code.csv', 'calls');
    const tenants = [{ name: 'a', share: 1 }];
    const at = (speed: number) =>
      [...callTraffic({ calls, tenants, model: 'm', class: 'chat', priority: null, speed, random: seeded(1) })].map(
        ({ startMs }) => startMs,
      );
    expect(at(2)).toEqual(at(1).map((ms) => ms / 2));
  });
});

describe("clients' calls", () => {
  const { rates } = trace('servegen-rates.csv', 'rates');
  const { tokens } = trace('servegen-tokens.csv', 'tokens');
  const day = { rates, tokens, fromMs: 216_000_000, untilMs: 217_800_000, random: seeded(3) };

  it('come at each client’s recorded rate, scaled, with sizes from its distribution', () => {
    const calls = clientCalls({ ...day, scale: 0.01 });
    for (const client of new Set(rates.map((rate) => rate.client))) {
      const own = calls.filter((call) => call.client === `client-${client}`);
      const expected = rates
        .filter((rate) => rate.client === client)
        .reduce((sum, { callsPerSecond }) => sum + Math.round(callsPerSecond * 600 * 0.01), 0);
      expect(own.length).toBe(expected);
      const size = tokens.find((window) => window.client === client)!;
      for (const { inputTokens } of own) {
        expect(inputTokens).toBeGreaterThanOrEqual(Math.floor(size.inputTokens![0]!));
        expect(inputTokens).toBeLessThanOrEqual(Math.ceil(size.inputTokens!.at(-1)!));
      }
    }
    const times = calls.map(({ atMs }) => atMs);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(times[0]).toBeGreaterThanOrEqual(0);
    expect(times.at(-1)).toBeLessThan(1_800_000);
  });
});
