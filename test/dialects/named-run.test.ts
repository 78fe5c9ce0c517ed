// Decides which run a body names by itself, where no header does. For every generating dialect.
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../src/core/dialect.ts';
import type { RunIdentity } from '../../src/core/runs.ts';
import { dialects } from '../../src/dialects/index.ts';
import { claudeCodeRequest, codexRequest } from '../fakes/agent-requests.ts';
import { parseCall } from '../fakes/call-parts.ts';
import { bytesOf } from './json-bodies.ts';

const { 'openai-chat': chat, 'openai-completions': completions, 'openai-responses': responses } = dialects;
const { 'anthropic-messages': messages, 'anthropic-count-tokens': count } = dialects;
const SESSION = '0f3b6d1e-6c1a-4f57-9c39-5a8f0f6f2c11';

function named(dialect: Dialect, more: object): RunIdentity | null | undefined {
  const body = { model: 'm', messages: [], prompt: 'x', input: 'x', ...more };
  return parseCall(dialect, bytesOf(JSON.stringify(body))).namedRun?.();
}
const alone = (run: string, source: RunIdentity['source']) => ({ run, agent: null, parent: null, source });
const user = (user_id: unknown) => ({ metadata: { user_id } });

describe('the run that a body names', () => {
  it('is the session inside metadata.user_id, in both of Claude Code’s forms', () => {
    for (const dialect of [messages, count]) {
      const ids = { device_id: 'd', account_uuid: '', session_id: SESSION };
      expect(named(dialect, user(JSON.stringify(ids)))).toEqual(alone(SESSION, 'harness'));
      expect(named(dialect, user(`user_${'a'.repeat(64)}_account__session_${SESSION}`))).toEqual(
        alone(SESSION, 'harness'),
      );
      expect(named(dialect, claudeCodeRequest('m').body)).toEqual(alone(SESSION, 'harness'));
    }
  });

  it('a user, an account, or what is no id at all names none', () => {
    const hostile = [
      'user-123',
      `user_${'a'.repeat(64)}_account_${SESSION}`,
      '{"account_uuid":"a"}',
      '{"session_id":7}',
      '{"session_id":"a b"}',
      `{"session_id":"${'a'.repeat(129)}"}`,
      '{"session_id":"\\u0000"}',
      '{not json',
      '{"session_id":null}',
      `{"session_id":"s","x":"${'y'.repeat(2_000)}"}`,
      '',
      7,
      null,
      ['s'],
      { session_id: 's' },
    ];
    for (const value of hostile) expect(named(messages, user(value)), JSON.stringify(value).slice(0, 60)).toBe(null);
    for (const metadata of [null, 'x', [], {}, 7]) expect(named(messages, { metadata })).toBe(null);
    expect(named(messages, {})).toBe(null);
    expect(named(chat, { user: 'u', safety_identifier: 's', ...user(`_session_${SESSION}`) })).toBe(null);
  });

  it('is a cache key, then a conversation: inferred, since people share such keys', () => {
    for (const dialect of [chat, completions, responses])
      expect(named(dialect, { prompt_cache_key: 'team-a' })).toEqual(alone('team-a', 'inferred'));
    const all = { conversation: 'conv_1', prompt_cache_key: 'key' };
    expect(named(responses, all)?.run).toBe('key');
    expect(named(responses, { ...all, prompt_cache_key: null })?.run).toBe('conv_1');
    expect(named(responses, { ...all, prompt_cache_key: null, conversation: { id: 'conv_2' } })?.run).toBe('conv_2');
    // Which run that belongs to is remembered, not written.
    expect(named(responses, { previous_response_id: 'resp_1' })).toBe(null);
    const { prompt_cache_key: thread } = codexRequest('m').body as { prompt_cache_key: string };
    expect(named(responses, codexRequest('m').body)).toEqual(alone(thread, 'inferred'));
  });

  it('a cache key that is no id counts as not sent', () => {
    for (const bad of ['', 'a b', 'a'.repeat(129), 'é', '\u0000', 7, null, [], {}, { id: 7 }, true]) {
      expect(named(responses, { prompt_cache_key: bad }), JSON.stringify(bad)).toBe(null);
      expect(named(responses, { prompt_cache_key: bad, conversation: 'c' })?.run).toBe('c');
    }
  });
});
