// Decides which run, agent and kind of step a request's head names, for each agent program and in which order. For http/call.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunIdentity } from '../../src/core/runs.ts';
import { readRun, readStep } from '../../src/http/run.ts';
import { claudeCodeRequest, codexRequest } from '../fakes/agent-requests.ts';

const SESSION = '0f3b6d1e-6c1a-4f57-9c39-5a8f0f6f2c11';
const CHILD = '7c0e9a52-1111-4222-8333-944455566677';
const claude = { 'x-claude-code-session-id': SESSION, 'x-app': 'cli' };
const codex = { 'session-id': SESSION, 'thread-id': SESSION, originator: 'codex_exec' };
const opencode = { 'x-session-affinity': 'ses_1', 'x-session-id': 'ses_1' };

const harness = (run: string, agent: string | null = null, parent: string | null = null): RunIdentity => ({
  run,
  agent,
  parent,
  source: 'harness',
});
const declared = (run: string, agent: string | null = null, parent: string | null = null): RunIdentity => ({
  run,
  agent,
  parent,
  source: 'declared',
});

const known: [who: string, headers: Record<string, string>, run: RunIdentity | null][] = [
  ['Claude Code', claude, harness(SESSION)],
  ['Claude Code, a sub-agent', { ...claude, 'x-claude-code-agent-id': 'a7e1' }, harness(SESSION, 'a7e1')],
  [
    'Claude Code, a nested sub-agent',
    { ...claude, 'x-claude-code-agent-id': 'b2', 'x-claude-code-parent-agent-id': 'a7e1' },
    harness(SESSION, 'b2', 'a7e1'),
  ],
  ['Codex, its first thread', codex, harness(SESSION)],
  [
    'Codex, a sub-agent',
    { ...codex, 'thread-id': CHILD, 'x-codex-parent-thread-id': SESSION, 'x-openai-subagent': 'collab_spawn' },
    harness(SESSION, CHILD, SESSION),
  ],
  ['Codex, as it was', { session_id: SESSION, conversation_id: SESSION }, harness(SESSION)],
  ['opencode', opencode, harness('ses_1')],
  [
    'opencode, a sub-agent: a session of its own below the run’s',
    { 'x-session-affinity': 'ses_2', 'x-session-id': 'ses_2', 'x-parent-session-id': 'ses_1' },
    harness('ses_1', 'ses_2'),
  ],
  ['opencode’s own name', { 'x-opencode-session': 'ses_3' }, harness('ses_3')],
  ['routers that take a session by this name', { 'x-session-id': 's' }, harness('s')],
  ['Dynamo', { 'x-dynamo-session-id': 'd' }, harness('d')],
  ['Dynamo, below', { 'x-dynamo-session-id': 'd2', 'x-dynamo-parent-session-id': 'd' }, harness('d', 'd2')],
  ['Helicone', { 'helicone-session-id': 'h' }, harness('h')],
  ['the official SDKs', { 'user-agent': 'OpenAI/JS 7.57.0', 'x-stainless-retry-count': '0' }, null],
  ['Gemini CLI and Qwen Code', { 'user-agent': 'QwenCode/0.24.4' }, null],
  ['a trace, a person or an account, which is no run', { traceparent: '00-a-b-01', 'x-user-id': 'u' }, null],
];

describe('the run that a head names', () => {
  it.each(known)('%s', (_who, headers, run) => {
    expect(readRun(headers)).toEqual(run);
  });

  it('is the one of real requests of Claude Code and Codex', () => {
    expect(readRun(claudeCodeRequest('m').headers)).toEqual(harness(SESSION, 'a7e1c2d4'));
    const { headers } = codexRequest('m');
    expect(readRun(headers)).toEqual(harness(SESSION, headers['thread-id']));
  });

  it('is the caller’s own word before any agent program’s, and each program’s before the next one’s', () => {
    const inOrder: [Record<string, string>, string][] = [
      [{ 'x-spillway-run': 'own' }, 'own'],
      [{ 'x-claude-code-session-id': 'claude' }, 'claude'],
      [{ 'session-id': 'codex' }, 'codex'],
      [{ session_id: 'older' }, 'older'],
      [{ 'x-session-affinity': 'affinity' }, 'affinity'],
      [{ 'x-session-id': 'session' }, 'session'],
      [{ 'x-opencode-session': 'opencode' }, 'opencode'],
      [{ 'x-dynamo-session-id': 'dynamo' }, 'dynamo'],
      [{ 'helicone-session-id': 'helicone' }, 'helicone'],
    ];
    for (let first = 0; first < inOrder.length; first++) {
      const rest = Object.assign({}, ...inOrder.slice(first).map(([headers]) => headers)) as Record<string, string>;
      const backwards = Object.fromEntries(Object.entries(rest).reverse());
      for (const headers of [rest, backwards]) {
        expect(readRun(headers)?.run).toBe(inOrder[first]![1]);
        expect(readRun(headers)?.source).toBe(first === 0 ? 'declared' : 'harness');
      }
    }
    expect(readRun({})).toBe(null);
  });

  it('declared, still tells agents apart by what the program says of them', () => {
    const job = { 'x-spillway-run': 'job-42' };
    expect(readRun(job)).toEqual(declared('job-42'));
    expect(readRun({ ...job, 'x-spillway-agent': 'planner', 'x-spillway-parent': 'root' })).toEqual(
      declared('job-42', 'planner', 'root'),
    );
    expect(readRun({ ...job, ...claude })).toEqual(declared('job-42', SESSION));
    expect(readRun({ ...job, ...claude, 'x-claude-code-agent-id': 'a7e1' })).toEqual(declared('job-42', 'a7e1'));
    expect(readRun({ 'x-spillway-run': SESSION, ...claude })).toEqual(declared(SESSION));
    expect(readRun({ ...claude, 'x-spillway-agent': 'planner' })).toEqual(harness(SESSION, 'planner'));
    expect(readRun({ 'x-spillway-agent': 'planner', 'x-spillway-parent': 'root' })).toBe(null);
  });

  it('white space around a declared id does not count', () => {
    expect(readRun({ 'x-spillway-run': ' r ', 'x-spillway-agent': '\ta' })).toEqual(declared('r', 'a'));
  });

  it('an agent program’s id that is none counts as not sent', () => {
    for (const bad of ['', ' ', 'a b', 'a'.repeat(129), 'é', 'a\u0000', 'a\tb', '\u007f', '👋']) {
      expect(readRun({ 'x-claude-code-session-id': bad })).toBe(null);
      expect(readRun({ 'x-claude-code-session-id': bad, 'x-session-id': 's' })).toEqual(harness('s'));
      expect(readRun({ ...claude, 'x-claude-code-agent-id': bad })).toEqual(harness(SESSION));
      expect(readRun({ ...opencode, 'x-parent-session-id': bad })).toEqual(harness('ses_1'));
    }
    expect(readRun({ 'x-session-id': 'a'.repeat(128) })?.run).toHaveLength(128);
    expect(readRun({ 'x-session-id': ['first', 'second'] })).toEqual(harness('first'));
  });

  it('property: whatever the values, ids are visible ASCII of bounded length or not there', () => {
    const names = [...new Set(known.flatMap(([, headers]) => Object.keys(headers)))];
    const value = fc.oneof(fc.string({ maxLength: 140 }), fc.string({ unit: 'binary' }), fc.constantFrom('a', SESSION));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (headers) => {
        const run = readRun(headers);
        for (const id of [run?.run, run?.agent, run?.parent]) if (id != null) expect(id).toMatch(/^[!-~]{1,128}$/);
        if (run !== null) expect(run.agent).not.toBe(run.run);
      }),
    );
  });
});

describe('the kind of step that a head names', () => {
  it('only where an agent program says it for sure', () => {
    expect(readStep({ 'x-app': 'cli-bg' })).toBe('background');
    expect(readStep({ 'x-openai-subagent': 'memory_consolidation' })).toBe('background');
    expect(readStep({ 'x-openai-subagent': 'compact' })).toBe('side_task');
    for (const headers of [
      {},
      { 'x-app': 'cli' },
      { 'x-openai-subagent': 'collab_spawn' },
      { 'x-openai-subagent': 'constructor' },
      { 'x-openai-subagent': ['compact', 'review'] },
    ])
      expect(readStep(headers)).toBe(null);
  });
});
