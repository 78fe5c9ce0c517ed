// Decides which run a call belongs to where nothing names it, and what kind of step it is. For router.
import { describe, expect, it } from 'vitest';
import { inferRun } from '../../src/agents/identity.ts';
import { stepOf } from '../../src/agents/step.ts';
import { boundedId } from '../../src/core/runs.ts';

describe('a run that only its prompt tells', () => {
  it('is told by model and opening, and says that it is inferred', () => {
    const run = inferRun('m', { common: 1, opening: 0xbeef });
    expect(run).toEqual({ run: 'p48879:m', agent: null, parent: null, source: 'inferred' });
    expect(inferRun('m', { common: 2, opening: 0xbeef })).toEqual(run);
    expect(inferRun('n', { common: 1, opening: 0xbeef })).not.toEqual(run);
    expect(inferRun('m', { common: 1, opening: 0xbeee })).not.toEqual(run);
  });

  it('is none where the prompt opens with nothing of its own', () => {
    expect(inferRun('m', null)).toBe(null);
    expect(inferRun('m', { common: 7, opening: 0 })).toBe(null);
  });
});

describe('the kind of a step', () => {
  it('is what the agent program says, else a tool loop where a tool has answered, else a turn', () => {
    expect(stepOf({ answersTool: true }, null)).toBe('tool_loop');
    expect(stepOf({ answersTool: false }, null)).toBe('turn');
    for (const answersTool of [true, false])
      for (const said of ['background', 'side_task'] as const) expect(stepOf({ answersTool }, said)).toBe(said);
  });
});

describe('an id that a program sends by itself', () => {
  it('is 1 to 128 visible ASCII characters, or none', () => {
    for (const good of ['a', '~!', 'x'.repeat(128)]) expect(boundedId(good)).toBe(good);
    for (const bad of ['', ' ', 'a b', 'x'.repeat(129), 'é', '\n', 'a\n', 7, null, undefined, ['a']])
      expect(boundedId(bad)).toBe(null);
  });
});
