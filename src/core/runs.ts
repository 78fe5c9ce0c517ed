// Which run a call belongs to, and where that run was served: identity, steps, affinity leases. For agents, http and router.
import type { PromptMarks } from './dialect.ts';

/** How surely a run is known: by its caller's own word, by its agent program's headers, or by what its prompt looks like. */
export type IdentitySource = 'declared' | 'harness' | 'inferred';

/** Scoped by tenant. Ids are bounded text and never an authorisation. */
export interface RunIdentity {
  readonly run: string;
  /** The (sub)agent inside the run; null = the run has one. */
  readonly agent: string | null;
  readonly parent: string | null;
  readonly source: IdentitySource;
}

const MAX_ID_LENGTH = 128;
const VISIBLE = /^[\x21-\x7e]+$/;

/** An id that a program sends by itself: visible ASCII of bounded length; all else is as good as none. */
export function boundedId(value: unknown): string | null {
  return typeof value === 'string' && value.length <= MAX_ID_LENGTH && VISIBLE.test(value) ? value : null;
}

/** Why a reply ended, as far as it tells what comes next: a tool's answer, a person's, or neither is known. */
export type Stop = 'tool_use' | 'end_turn' | 'other';

export const STEP_KINDS = ['turn', 'tool_loop', 'side_task', 'background'] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** What a worker is known to hold of an agent's prompt. */
export interface AffinityLease {
  readonly workerId: string;
  /** Tokens of prompt and reply that the worker has seen. */
  readonly tokens: number;
  /** Samples of that prompt; null: there are none, or this agent's prompts have never yet begun as the one before did. */
  readonly marks: PromptMarks | null;
  /** When it was last used, monotonic ms. */
  readonly usedMs: number;
  /** The agent is in a tool: it is sure to come back soon. */
  readonly inTool: boolean;
}

/** One (sub)agent's place in the book. */
export interface RunEntry {
  /** When its run began here, monotonic ms. */
  readonly arrivedMs: number;
  /** Calls of this agent so far, the present one not counted. */
  readonly calls: number;
  /** Where it was served last in this pool, if that is worth knowing yet. */
  lease(pool: string, nowMs: number): AffinityLease | null;
  /** A call of it was answered there; `marks` are its prompt's. */
  served(
    pool: string,
    workerId: string,
    tokens: number,
    stop: Stop | null,
    nowMs: number,
    marks?: PromptMarks | null,
  ): void;
}

/** What is known of a reply that its target has stored. */
export interface ReplyLink {
  readonly run: RunIdentity;
  readonly pool: string;
  /** Who made it: of the pool's workers the only one that is sure to know it. */
  readonly workerId: string;
}

/** Scoped by tenant, bounded by count and age; forgets the reply that was asked for longest ago. */
export interface ReplyLinks {
  keep(tenant: string, reply: string, link: ReplyLink, nowMs: number): void;
  find(tenant: string, reply: string, nowMs: number): ReplyLink | null;
  readonly size: number;
}

/** Bounded by count and age; forgets the run that was silent longest. */
export interface RunBook {
  enter(tenant: string, identity: RunIdentity, nowMs: number): RunEntry;
  readonly size: number;
}
