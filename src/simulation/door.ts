// What a simulated worker's port does: closed, coming up, or open to its engine. For the transport and faults.
import type { Clock } from '../core/runtime.ts';
import { BatchingEngine } from './batching.ts';
import type { EngineModel } from './engine-model.ts';
import type { StartUpStage, WorkerProfile } from './profiles.ts';
import { SlotsEngine } from './slots.ts';

/** Null: it serves. */
export type Closed = StartUpStage['answers'] | null;

export class Door {
  /** As the router names it: `pool/n`. */
  readonly id: string;
  readonly profile: WorkerProfile;
  readonly engine: EngineModel;
  closed: Closed = null;

  constructor(id: string, profile: WorkerProfile, clock: Clock) {
    this.id = id;
    this.profile = profile;
    this.engine = profile.kind === 'batching' ? new BatchingEngine(profile, clock) : new SlotsEngine(profile, clock);
    const stages = [...profile.startUp];
    const next = () => {
      const stage = stages.shift();
      this.closed = stage?.answers ?? null;
      if (stage !== undefined) clock.after(stage.forMs, next);
    };
    next();
  }

  down(): void {
    this.closed = 'refused';
    this.engine.restart();
  }

  up(): void {
    this.closed = null;
  }
}
