// Decides what the calls of Claude Code and Codex look like: path, headers, member order, and the parts that a strict
// schema would refuse. For tests of forwarding; made by code, the same on every run.
import { agentTools, prose } from './chat-requests.ts';

export interface AgentRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
}

const SESSION = '0f3b6d1e-6c1a-4f57-9c39-5a8f0f6f2c11';
const AGENT = 'a7e1c2d4';
const THREAD = '019a6f0e-2f0c-7c71-b1f5-8a3d0c5e9b42';

/** Claude Code: 42 to 50 KB for a prompt of one word; messages stand before system and tools, one of them a system message. */
export function claudeCodeRequest(model: string): AgentRequest {
  const cached = { cache_control: { type: 'ephemeral', ttl: '1h' } };
  const tools = agentTools(16, 1_900).map(({ function: { name, description, parameters } }) => {
    return { name, description, input_schema: parameters, eager_input_streaming: true };
  });
  return {
    path: '/v1/messages?beta=true',
    headers: {
      'user-agent': 'claude-cli/2.1.330 (external, cli)',
      'anthropic-version': '2023-06-01',
      'anthropic-beta':
        'claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,prompt-caching-scope-2026-01-05,thinking-token-count-2026-05-13',
      'anthropic-dangerous-direct-browser-access': 'true',
      'x-api-key': 'sk-ant-canary-caller',
      'x-app': 'cli',
      'x-claude-code-session-id': SESSION,
      'x-claude-code-agent-id': AGENT,
      'x-stainless-lang': 'js',
      'x-stainless-retry-count': '0',
      'x-stainless-timeout': '600',
      'accept-language': '*',
      cookie: 'session=canary',
    },
    body: {
      model,
      messages: [
        { role: 'user', content: [{ type: 'text', text: `<system-reminder>${prose(2_000, 41)}</system-reminder>` }] },
        { role: 'system', content: 'Be brief.', output_config: { effort: 'low' } },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Say hi.', signature: 'EqQBCgIYAhIM+/==' },
            { type: 'redacted_thinking', data: 'EmwKAhgBEgy+/=' },
            { type: 'tool_use', id: 'toolu_1', name: 'read', input: {} },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok', ...cached }] },
        { role: 'user', content: [{ type: 'text', text: 'hi – in “French” 👋', ...cached }] },
      ],
      system: [
        { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.330.d5f; cc_entrypoint=cli; cch=00000;' },
        { type: 'text', text: prose(9_000, 43), ...cached },
      ],
      tools: [...tools, { name: 'deferred', description: '', input_schema: { type: 'object' }, defer_loading: true }],
      metadata: { user_id: JSON.stringify({ device_id: 'd', account_uuid: '', session_id: SESSION }) },
      max_tokens: 128_000,
      thinking: { type: 'adaptive' },
      context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
      output_config: { effort: 'medium' },
      stream: true,
    },
  };
}

/** Codex: no stored state, reasoning that it gives back encrypted, tools of types that few servers know. */
export function codexRequest(model: string): AgentRequest {
  const functions = agentTools(6, 600).map(({ function: called }) => ({ type: 'function', strict: false, ...called }));
  const metadata = { session_id: SESSION, thread_id: THREAD, turn_id: 't1', request_kind: 'turn', window_number: 0 };
  return {
    path: '/v1/responses',
    headers: {
      'user-agent': 'codex_exec/0.169.0',
      authorization: 'Bearer sk-canary-caller',
      accept: 'text/event-stream',
      'openai-beta': 'responses=experimental',
      originator: 'codex_exec',
      'session-id': SESSION,
      'thread-id': THREAD,
      'x-client-request-id': THREAD,
      'x-codex-window-id': `${THREAD}:0`,
      'x-codex-turn-metadata': JSON.stringify(metadata),
    },
    body: {
      model,
      instructions: prose(12_000, 47),
      input: [
        { type: 'message', role: 'developer', content: [{ type: 'input_text', text: prose(3_000, 53) }] },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Répare le test 🛠' }] },
        { type: 'reasoning', summary: [], encrypted_content: 'gAAAAABo+/=' },
        { type: 'function_call', name: 'bash', arguments: '{"filePath":"/a"}', call_id: 'call_1' },
        { type: 'function_call_output', call_id: 'call_1', output: 'ok\u2028' },
      ],
      tools: [
        ...functions,
        { type: 'namespace', name: 'mcp__files', description: '', tools: functions.slice(0, 1) },
        { type: 'web_search', external_web_access: false },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: false,
      reasoning: { effort: 'medium', summary: 'auto' },
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: THREAD,
      text: { verbosity: 'low' },
      client_metadata: metadata,
    },
  };
}
