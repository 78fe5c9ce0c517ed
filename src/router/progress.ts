// What is known of a call, and what has become of it so far, over all its rungs. For router/dispatch and router/rung.
import type { Usage } from '../core/dialect.ts';
import { PRIORITIES, type Priority, type Reason } from '../core/names.ts';
import type { ClassRules, TenantRules } from '../core/plan.ts';
import type { InferenceRequest } from '../core/request.ts';
import type { ReplyLink, RunEntry, RunIdentity, StepKind } from '../core/runs.ts';
import type { CallAccount } from './account.ts';
import type { OutputEstimate } from './output-estimates.ts';
import type { RungFailure } from './verdict.ts';

export interface Progress {
  readonly request: InferenceRequest;
  readonly asked: string;
  readonly rules: ClassRules;
  readonly tenant: TenantRules;
  readonly priority: Priority;
  readonly step: StepKind;
  /** Its agent's place in the run book; null where nothing tells its run. */
  readonly run: RunEntry | null;
  readonly identity: RunIdentity | null;
  /** The stored reply that it goes on with, where that is known. */
  readonly origin: ReplyLink | null;
  /** Print of what its prompt has in common with other runs'; 0 = none. */
  readonly prefix: number;
  /** What is known of how long such replies are; null: nothing. */
  readonly estimate: OutputEstimate | null;
  /** Expected, capped by what the caller allows. */
  readonly outputTokens: number;
  readonly deadlineMs: number;
  /** What it holds of memory while it waits; a part of a list holds its part of it. */
  readonly bytes: number;
  readonly failures: RungFailure[];
  /** What it holds and costs; null: nothing is counted here. Parts of a list share their call's. */
  readonly account: CallAccount | null;
  tried: Set<string> | null;
  attempts: number;
  queueMs: number;
  coldMs: number;
  /** From the request's head to first content; null before that. */
  firstContentMs: number | null;
  /** What the last attempt that failed told of its tokens before it did. */
  usage: Usage | null;
  /** Why the asked model's rungs were left. */
  reason: Reason | null;
}

/** A part of a call, on its own way from here on. */
export function branch(progress: Progress, request: InferenceRequest): Progress {
  const share = request.call.items / progress.request.call.items;
  const own = { failures: [], tried: null, attempts: 0, queueMs: 0, coldMs: 0, usage: null };
  return { ...progress, ...own, request, bytes: Math.ceil(progress.bytes * share) };
}

/**
 * What a caller asks for, the last band for what its agent program does beside a person's work, or its class's own band;
 * but nothing above what its tenant may claim.
 */
export function bandOf(wished: Priority | null, step: StepKind, rules: ClassRules, tenant: TenantRules): Priority {
  const asked = wished ?? (step === 'background' ? 'background' : rules.priority);
  return PRIORITIES.indexOf(asked) < PRIORITIES.indexOf(tenant.priority) ? tenant.priority : asked;
}
