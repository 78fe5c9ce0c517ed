// One recorded session as a script: its prompts' blocks under ids of its own, but for those it shares with others. For compose.
import type { PromptPrint } from '../core/dialect.ts';
import type { Priority } from '../core/names.ts';
import type { RunIdentity } from '../core/runs.ts';
import type { CallSpec } from './call.ts';
import { mixed } from './chance.ts';
import type { Script, ScriptStep } from './script.ts';
import type { AgentCall, AgentSession } from './traces/forms.ts';

export interface SessionRole {
  readonly tenant: string;
  readonly model: string;
  readonly priority: Priority | null;
  /** No two sessions of a simulation have the same. */
  readonly instance: number;
  readonly startMs: number;
  /** Calls that lie before the simulation: they are not made, but the first one made has their prompt. */
  readonly skip: number;
  /** A longer pause is cut to this. */
  readonly maxThinkMs: number;
}

/** A session's block ids are below this. */
const IDS = 2 ** 20;
/** Blocks of tools and system prompt are below this. */
const COMMON_IDS = 4096;

export function sessionScript(session: AgentSession, role: SessionRole): Script {
  return scriptOf(session, role, { run: `s${role.instance}`, agent: null, parent: null, source: 'harness' });
}

function scriptOf(session: AgentSession, role: SessionRole, identity: RunIdentity): Script {
  const { startMs, skip, instance } = role;
  const print: PromptPrint = {
    common: mixed(1, `${session.toolTokens}:${session.systemTokens}`) || 1,
    opening: mixed(instance, session.id) || 1,
  };
  return {
    startMs,
    *steps() {
      const prompt = new PromptBlocks(session, instance);
      for (const [at, call] of session.calls.entries()) {
        const blocks = prompt.next(call);
        if (at < skip) continue;
        const step: ScriptStep = {
          thinkMs: at === skip ? 0 : Math.min(call.thinkMs, role.maxThinkMs),
          call: specOf(session, call, role, identity, print, blocks, at > 0 && at === skip),
          starts: call.starts.map(({ afterMs, session: sub }) => {
            const child: SessionRole = { ...role, startMs: Math.min(afterMs, role.maxThinkMs), skip: 0 };
            return scriptOf(sub, child, { ...identity, agent: sub.id, parent: identity.agent });
          }),
        };
        yield step;
      }
    },
  };
}

function specOf(
  session: AgentSession,
  call: AgentCall,
  role: SessionRole,
  run: RunIdentity,
  print: PromptPrint,
  blocks: readonly number[],
  isKnown: boolean,
): CallSpec {
  return {
    tenant: role.tenant,
    class: 'chat',
    model: role.model,
    run,
    answersTool: call.answersTool,
    stop: call.stop,
    inputTokens: call.inputTokens,
    outputTokens: call.outputTokens,
    blocks,
    blockTokens: session.blockTokens,
    print,
    priority: role.priority,
    maxWaitMs: null,
    timeoutMs: null,
    isKnown,
    items: 1,
  };
}

/** Follows a session's prompt from call to call. */
class PromptBlocks {
  readonly #session: AgentSession;
  readonly #base: number;
  #local: number[] = [];
  #made: number[] = [];
  /** Local ids of the first prompt's common blocks. */
  #common: ReadonlyMap<number, number> | null = null;

  constructor(session: AgentSession, instance: number) {
    this.#session = session;
    this.#base = (instance + 1) * IDS;
  }

  next({ keep, runs, inputTokens }: AgentCall): readonly number[] {
    const local = this.#local.slice(0, keep);
    const made = this.#made.slice(0, keep);
    for (const [first, count] of runs) for (let id = first; id < first + count; id++) local.push(id);
    this.#common ??= commonBlocks(this.#session, local);
    for (let at = keep; at < local.length; at++) {
      const id = local[at]!;
      made.push(this.#common.get(id) ?? this.#base + id);
    }
    this.#local = local;
    this.#made = made;
    const whole = Math.floor(inputTokens / this.#session.blockTokens);
    return made.length > whole ? made.slice(0, whole) : made;
  }
}

/** Every prompt opens with tools, then system prompt: programs with as many tokens of them are taken to have the same ones. */
function commonBlocks(session: AgentSession, prompt: readonly number[]): ReadonlyMap<number, number> {
  const { blockTokens, toolTokens, systemTokens } = session;
  const tools = Math.floor(toolTokens / blockTokens);
  const all = Math.floor((toolTokens + systemTokens) / blockTokens);
  const ids = new Map<number, number>();
  for (let at = 0; at < Math.min(all, prompt.length, COMMON_IDS); at++) {
    const key = at < tools ? mixed(2, `${toolTokens}`) : mixed(3, `${toolTokens}:${systemTokens}`);
    ids.set(prompt[at]!, -(key * COMMON_IDS + at + 1));
  }
  return ids;
}
