// Timeouts, queue and retries of each route class, with their defaults. For the schema and the catalog.
import { z } from 'zod';
import { type DialectName, PRIORITIES, type RouteClass } from '../core/names.ts';
import type { ClassRules } from '../core/plan.ts';
import { formatDuration } from '../core/units.ts';
import { count, duration, modelName, number, percent, size } from './units.ts';

const MINUTE = 60_000;
const MIB = 1024 ** 2;

const buffered = { connectMs: 3000, headersMs: MINUTE, firstContentMs: MINUTE, idleMs: MINUTE, totalMs: MINUTE };

/** What the classes of buffered replies have in common. */
const brief = {
  timeouts: buffered,
  priority: 'interactive',
  share: 1,
  slo: { firstContentMs: null, totalMs: null, objective: 0.99 },
  retries: 1,
  defaultModel: null,
} as const;

export const CLASS_DEFAULTS: Readonly<Record<RouteClass, ClassRules>> = {
  chat: {
    class: 'chat',
    timeouts: { connectMs: 3000, headersMs: 30_000, firstContentMs: MINUTE, idleMs: MINUTE, totalMs: 10 * MINUTE },
    queue: { max: 256, waitMs: 10_000, maxBytes: 256 * MIB },
    priority: 'interactive',
    share: 1,
    slo: { firstContentMs: null, totalMs: null, objective: 0.99 },
    retries: 1,
    defaultModel: null,
  },
  embed: { ...brief, class: 'embed', queue: { max: 512, waitMs: 5000, maxBytes: 256 * MIB } },
  rerank: { ...brief, class: 'rerank', queue: { max: 256, waitMs: 5000, maxBytes: 256 * MIB } },
  batch: {
    class: 'batch',
    ...brief,
    timeouts: { ...buffered, totalMs: 60 * MINUTE },
    queue: { max: 4096, waitMs: 10 * MINUTE, maxBytes: 256 * MIB },
    priority: 'background',
    retries: 2,
  },
};

/** The dialects of each class: a target that speaks none of them can serve no call of it. */
export const CLASS_DIALECTS: Readonly<Record<RouteClass, readonly DialectName[]>> = {
  chat: ['openai-chat', 'openai-completions', 'openai-responses', 'anthropic-messages', 'anthropic-count-tokens'],
  embed: ['openai-embeddings'],
  rerank: ['rerank'],
  batch: [],
};

function classSchema({ timeouts, queue, retries, priority, share }: ClassRules) {
  const time = (defaultMs: number, text: string) =>
    duration(1).prefault(formatDuration(defaultMs)).describe(`Duration. ${text}`);
  return z
    .strictObject({
      timeouts: z
        .strictObject({
          connect: time(timeouts.connectMs, 'Opening a connection to a worker.'),
          headers: time(timeouts.headersMs, "From sending a call to the head of the worker's reply."),
          firstContent: time(
            timeouts.firstContentMs,
            'From sending a call to the first generated content of a stream.',
          ),
          idle: time(timeouts.idleMs, 'Longest silence within a stream.'),
          total: time(timeouts.totalMs, 'The whole call, over all attempts.'),
        })
        .prefault({})
        .describe('Bounds in time. A buffered reply is silent until whole: connect and total bind it.'),
      queue: z
        .strictObject({
          max: count(0, 100_000)
            .prefault(queue.max)
            .describe('Calls in line per pool; the next one is refused or moves on.'),
          wait: duration()
            .prefault(formatDuration(queue.waitMs))
            .describe('Duration. Longest wait in line; a caller may ask for less.'),
          maxBytes: size()
            .prefault(`${queue.maxBytes / MIB}MiB`)
            .describe('Size. Bodies of the calls in line per pool.'),
        })
        .prefault({})
        .describe('The line in front of each pool.'),
      priority: z
        .enum(PRIORITIES)
        .prefault(priority)
        .describe(
          'Band of calls that do not say theirs. Higher bands are served first, lower ones keep a reserved share.',
        ),
      share: number(0.001, 1000)
        .prefault(share)
        .describe('Weight of this class in a pool that serves several, while more than one of them waits.'),
      slo: z
        .strictObject({
          ttft: duration(1)
            .optional()
            .describe(
              'Duration. Time to first content, from the request on. A rung that would miss it is left for one that meets it.',
            ),
          total: duration(1).optional().describe('Duration. Time to the end of the reply.'),
          objective: percent()
            .prefault('99%')
            .describe('Percent. Share of calls that are to meet it; burn rates count against this.'),
        })
        .refine(({ objective }) => objective < 1, { error: 'objective must be below 100%' })
        .prefault({})
        .describe('What the class promises. Default: nothing.'),
      default: modelName()
        .optional()
        .describe('The model that a call without a model means. Default: the first of this class in the file.'),
      retries: count(0, 5).prefault(retries).describe('Tries at other workers of a rung after the first has failed.'),
    })
    .prefault({});
}

export function classesSchema() {
  return z
    .strictObject({
      chat: classSchema(CLASS_DEFAULTS.chat).describe('Rules for chat and completions.'),
      embed: classSchema(CLASS_DEFAULTS.embed).describe('Rules for embeddings.'),
      rerank: classSchema(CLASS_DEFAULTS.rerank).describe('Rules for rerank.'),
    })
    .prefault({})
    .describe('Rules by route class.');
}

type ClassDocument = z.output<ReturnType<typeof classSchema>>;

export function classRules(
  name: RouteClass,
  { timeouts, queue, retries, priority, share, slo, default: defaultModel }: ClassDocument,
): ClassRules {
  return {
    class: name,
    timeouts: {
      connectMs: timeouts.connect,
      headersMs: timeouts.headers,
      firstContentMs: timeouts.firstContent,
      idleMs: timeouts.idle,
      totalMs: timeouts.total,
    },
    queue: { max: queue.max, waitMs: queue.wait, maxBytes: queue.maxBytes },
    priority,
    share,
    slo: { firstContentMs: slo.ttft ?? null, totalMs: slo.total ?? null, objective: slo.objective },
    retries,
    defaultModel: defaultModel ?? null,
  };
}
