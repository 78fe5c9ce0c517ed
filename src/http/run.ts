// Which run a request's head says that it belongs to, and what kind of step. For http/call.
import { boundedId, type RunIdentity, type StepKind } from '../core/runs.ts';
import { type HeaderView, headerOf } from '../core/transport.ts';

/** How one family of agent programs names its sessions. */
interface Harness {
  readonly session: string;
  /** The (sub)agent, where all of a session share its id. */
  readonly agent?: string;
  readonly parent?: string;
  /** The session that began this one, where each (sub)agent has a session of its own: then that one is the run. */
  readonly above?: string;
}

/** In the order in which they are believed. */
const HARNESSES: readonly Harness[] = [
  // Claude Code and the Claude Agent SDK.
  {
    session: 'x-claude-code-session-id',
    agent: 'x-claude-code-agent-id',
    parent: 'x-claude-code-parent-agent-id',
  },
  // Codex: its first thread has the session's id. Older ones wrote an underscore.
  { session: 'session-id', agent: 'thread-id', parent: 'x-codex-parent-thread-id' },
  { session: 'session_id' },
  // opencode; the second is OpenRouter's and other routers' too.
  { session: 'x-session-affinity', above: 'x-parent-session-id' },
  { session: 'x-session-id', above: 'x-parent-session-id' },
  { session: 'x-opencode-session' },
  { session: 'x-dynamo-session-id', above: 'x-dynamo-parent-session-id' },
  { session: 'helicone-session-id' },
];

/**
 * The caller's own word, else its agent program's; null where neither names a run. Declared ids were checked with the
 * other wishes; an agent program's id that is none counts as not sent. Who declares a run alone still tells its agents
 * apart by what the program says.
 */
export function readRun(headers: HeaderView): RunIdentity | null {
  const harness = harnessRun(headers);
  const run = declared(headers, 'x-spillway-run');
  if (run === null && harness === null) return null;
  const agent = declared(headers, 'x-spillway-agent') ?? harness?.agent ?? null;
  const parent = declared(headers, 'x-spillway-parent') ?? harness?.parent ?? null;
  if (run === null) return { run: harness!.run, agent, parent, source: 'harness' };
  const session = harness === null || harness.run === run ? null : harness.run;
  return { run, agent: agent ?? session, parent, source: 'declared' };
}

function declared(headers: HeaderView, name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : boundedId(String(value).trim());
}

function harnessRun(headers: HeaderView): RunIdentity | null {
  for (const harness of HARNESSES) {
    if (headers[harness.session] === undefined) continue;
    const session = idOf(headers, harness.session);
    if (session === null) continue;
    const above = idOf(headers, harness.above);
    if (above !== null && above !== session) return { run: above, agent: session, parent: null, source: 'harness' };
    const agent = idOf(headers, harness.agent);
    return {
      run: session,
      agent: agent === session ? null : agent,
      parent: idOf(headers, harness.parent),
      source: 'harness',
    };
  }
  return null;
}

const idOf = (headers: HeaderView, name: string | undefined): string | null =>
  name === undefined ? null : boundedId(headerOf(headers, name));

/** Codex's words for what it does beside the work that a person waits for. */
const SUBAGENT_STEPS: ReadonlyMap<unknown, StepKind> = new Map([
  ['compact', 'side_task'],
  ['memory_consolidation', 'background'],
]);

/** What the agent program says of this step; null where it says nothing that is sure. */
export function readStep(headers: HeaderView): StepKind | null {
  if (headers['x-app'] === 'cli-bg') return 'background';
  return SUBAGENT_STEPS.get(headers['x-openai-subagent']) ?? null;
}
