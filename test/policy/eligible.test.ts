// Which rungs may answer a call, and what is said when none may. For policy/eligible.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { CAPABILITIES, type Capability } from '../../src/core/names.ts';
import type { ModelPlan, Rung } from '../../src/core/plan.ts';
import { NO_WANTS, type Wants } from '../../src/core/request.ts';
import { CLASS_DEFAULTS } from '../../src/policy/classes.ts';
import { type CallNeeds, planFor } from '../../src/policy/eligible.ts';
import { choicesText, editDistance, nearest } from '../../src/policy/suggest.ts';
import { poolTarget } from '../fakes/call-parts.ts';

function rung(number: number, name: string, same: boolean, capabilities: readonly Capability[] | null): Rung {
  const can = capabilities === null ? null : new Set(capabilities);
  return {
    number,
    same,
    when: new Set(['cold']),
    target: poolTarget({ name, serves: name, capabilities: can }),
  };
}

const plan: ModelPlan = {
  model: 'demo-large',
  rules: CLASS_DEFAULTS.chat,
  rungs: [
    rung(1, 'demo-large', true, ['schema']),
    rung(2, 'copy', true, null),
    rung(3, 'demo-small', false, ['tools', 'schema']),
  ],
};
const without = (...names: string[]): ModelPlan => ({
  ...plan,
  rungs: plan.rungs.filter((one) => !names.includes(one.target.name)),
});
const wants = (changed: Partial<Wants>): Wants => ({ ...NO_WANTS, ...changed });
const CALL: CallNeeds = {
  dialect: 'openai-chat',
  capabilities: [],
  wants: NO_WANTS,
  managed: false,
  stored: false,
  storedAt: null,
  contextTokens: 100,
  zones: null,
};
const fitting = (of: ModelPlan, capabilities: readonly Capability[], wished: Wants) =>
  planFor(of, { ...CALL, capabilities, wants: wished });
const numbers = (answer: ReturnType<typeof planFor>) =>
  answer instanceof RouterError ? answer.message : answer.rungs.map((one) => one.number);

describe('planFor', () => {
  test('a call that every rung may answer gets the plan itself', () => {
    expect(fitting(plan, [], NO_WANTS)).toBe(plan);
    expect(fitting(plan, ['schema'], wants({ minRung: 3, require: ['schema'] }))).toBe(plan);
  });

  test('what is stored keeps to the rung that stores it, else to the top one that fits', () => {
    const at = (storedAt: string | null) => numbers(planFor(plan, { ...CALL, stored: true, storedAt }));
    expect([null, 'demo-large', 'demo-small', 'elsewhere'].map(at)).toEqual([[1], [1], [3], [1]]);
  });

  test('declared capabilities rule out, undeclared ones do not', () => {
    expect(numbers(fitting(plan, ['tools'], NO_WANTS))).toEqual([2, 3]);
    expect(numbers(fitting(plan, [], wants({ require: ['vision'] })))).toEqual([2]);
  });

  test('never keeps every rung that is the asked model, and no other', () => {
    expect(numbers(fitting(plan, [], wants({ degrade: 'never' })))).toEqual([1, 2]);
  });

  test('min rung drops what is below it', () => {
    expect(numbers(fitting(plan, [], wants({ minRung: 1 })))).toEqual([1]);
  });

  test('when nothing fits, each rung and its obstacle are named', () => {
    const refused = fitting(without('copy'), ['tools'], wants({ degrade: 'never' }));
    expect(refused).toBeInstanceOf(RouterError);
    expect((refused as RouterError).code).toBe('no_eligible_target');
    expect(numbers(refused)).toBe('No target fits: demo-large (no tools), demo-small (substitute, degrade never).');
    expect(numbers(fitting(without('copy'), ['tools'], wants({ minRung: 1, require: ['tools', 'audio'] })))).toBe(
      'No target fits: demo-large (no tools, no audio), demo-small (no audio).',
    );
    expect(numbers(fitting(without('demo-large', 'copy'), [], wants({ minRung: 2 })))).toBe(
      'No target fits: demo-small (rung 3, below min rung 2).',
    );
  });

  test('callers only tighten: what is left is a part of the plan in its order, and each left rung fits', () => {
    const some = fc.subarray([...CAPABILITIES]);
    const anyPlan = fc
      .array(fc.tuple(fc.boolean(), fc.option(some)), { minLength: 1, maxLength: 6 })
      .map((list): ModelPlan => ({ ...plan, rungs: list.map(([same, can], at) => rung(at + 1, `p${at}`, same, can)) }));
    const anyWants = fc.record({
      degrade: fc.constantFrom('allow' as const, 'never' as const),
      minRung: fc.option(fc.integer({ min: 1, max: 7 })),
      require: some,
    });
    fc.assert(
      fc.property(anyPlan, some, anyWants, (given, needs, asked) => {
        const answer = fitting(given, needs, wants(asked));
        const fit = given.rungs.filter(
          ({ same, number, target }) =>
            (asked.degrade === 'allow' || same) &&
            number <= (asked.minRung ?? Number.POSITIVE_INFINITY) &&
            [...needs, ...asked.require].every((one) => target.capabilities?.has(one) ?? true),
        );
        if (answer instanceof RouterError) expect(fit).toEqual([]);
        else expect(answer.rungs).toEqual(fit);
      }),
    );
  });
});

describe('did you mean', () => {
  test('one slip is near, another word is not', () => {
    expect(nearest('suport-7b', ['support-7b', 'support-1b'])).toBe('support-7b');
    expect(nearest('srever', ['server', 'pools'])).toBe('server');
    expect(nearest('tenants', ['pools', 'models'])).toBeNull();
    expect(nearest('x'.repeat(500), ['x'.repeat(500)])).toBeNull();
    expect(choicesText('suport-7b', ['support-7b', 'support-1b'])).toBe(
      'Valid: support-7b, support-1b. Did you mean support-7b?',
    );
    expect(
      choicesText(
        'a',
        Array.from({ length: 30 }, (_, at) => `name-${at}`),
      ),
    ).toMatch(/name-23 and 6 more\.$/);
  });

  test('the distance is zero only to itself, the same both ways, and at most the longer length', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance === 0).toBe(a === b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
