// What `spillway check` prints: the ladders that a policy makes, or all that is wrong with it. For the command line.
import { REASONS } from '../core/names.ts';
import type { ModelPlan, Rung } from '../core/plan.ts';
import { compilePolicy } from './compile.ts';
import type { LoadResult } from './load.ts';
import { isUrlWorker, type PoolSpec } from './policy.ts';
import { formatProblem, type Problem } from './problems.ts';

/** Plain data for `--json`. Holds no headers, keys or options of workers. */
export interface CheckJson {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly models: readonly {
    readonly model: string;
    readonly aliases: readonly string[];
    readonly class: string;
    readonly rungs: readonly {
      readonly number: number;
      readonly pool: string;
      readonly serves: string;
      readonly zone: string | null;
      readonly same: boolean;
      readonly when: readonly string[];
    }[];
  }[];
  readonly pools: readonly {
    readonly name: string;
    readonly engine: string;
    readonly concurrencyPerWorker: number;
    /** Address of a worker, or the plug-in that brings it up. */
    readonly workers: readonly string[];
  }[];
}

export function checkJson(result: LoadResult): CheckJson {
  if (!result.ok) return { ok: false, problems: result.problems, warnings: [], models: [], pools: [] };
  const { policy, warnings } = result;
  const catalog = compilePolicy(policy);
  return {
    ok: true,
    problems: [],
    warnings,
    models: catalog.models.map((plan, index) => ({
      model: plan.model,
      aliases: policy.models[index]!.aliases,
      class: plan.rules.class,
      rungs: plan.rungs.map((rung) => ({
        number: rung.number,
        pool: rung.target.name,
        serves: rung.target.serves,
        zone: rung.target.zone,
        same: rung.same,
        when: reasonsOf(rung),
      })),
    })),
    pools: catalog.pools.map((pool) => ({
      name: pool.target.name,
      engine: pool.engine.name,
      concurrencyPerWorker: pool.concurrencyPerWorker,
      workers: workersOf(pool),
    })),
  };
}

export function checkReport(result: LoadResult): string {
  if (!result.ok) {
    const count = result.problems.length;
    return [
      ...result.problems.map(formatProblem),
      `${count} ${count === 1 ? 'problem' : 'problems'}. The policy is refused.`,
      '',
    ].join('\n');
  }
  const { policy, warnings } = result;
  const catalog = compilePolicy(policy);
  const lines: string[] = [];
  for (const [index, plan] of catalog.models.entries())
    lines.push(...modelLines(plan, policy.models[index]!.aliases), '');
  for (const pool of catalog.pools) {
    const { target, engine, concurrencyPerWorker } = pool;
    const workers = workersOf(pool);
    lines.push(
      `pool ${target.name} serves ${target.serves} (${engine.name}${target.zone === null ? '' : `, zone ${target.zone}`}): ` +
        `${workers.length} x ${concurrencyPerWorker} calls at ${workers.join(', ')}`,
    );
  }
  if (warnings.length > 0) lines.push('', ...warnings.map((warning) => `warning: ${formatProblem(warning)}`));
  lines.push(
    '',
    `The policy is valid: ${catalog.models.length} models, ${catalog.pools.length} pools, ${warnings.length} warnings.`,
    '',
  );
  return lines.join('\n');
}

/** 0: valid, with or without warnings; 2: refused. */
export function checkExitCode(result: LoadResult): 0 | 2 {
  return result.ok ? 0 : 2;
}

function modelLines(plan: ModelPlan, aliases: readonly string[]): string[] {
  const also = aliases.length === 0 ? '' : `, also asked as ${aliases.join(', ')}`;
  return [
    `${plan.model} (${plan.rules.class}${also})`,
    ...plan.rungs.map((rung) => {
      const role = rung.number === 1 ? '' : rung.same ? '  same' : '  substitute';
      const reasons = reasonsOf(rung);
      const all = rung.number === 1 || reasons.length === REASONS.length;
      return `  ${rung.number} ${rung.target.name}${role}${all ? '' : `, when ${reasons.join(' or ') || 'never'}`}`;
    }),
  ];
}

function reasonsOf(rung: Rung): string[] {
  return REASONS.filter((reason) => rung.when.has(reason));
}

function workersOf(pool: PoolSpec): string[] {
  return pool.workers.map((worker) => (isUrlWorker(worker) ? worker.origin + worker.basePath : worker.kind));
}
