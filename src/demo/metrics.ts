// What a demo worker counts and how it prints it: Prometheus text under vLLM's metric names. For /metrics and stats().

export type FinishReason = 'stop' | 'length' | 'abort' | 'tool_calls';
/** vLLM's own label knows no tool calls: they are a stop. */
export const FINISHED_REASONS = ['stop', 'length', 'abort', 'error'] as const;
export type CountedReason = (typeof FINISHED_REASONS)[number];

const FIRST_TOKEN_SECONDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const REQUEST_SECONDS = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];

export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum: number;
  count: number;
}

const histogram = (bounds: readonly number[]): Histogram => ({ bounds, counts: bounds.map(() => 0), sum: 0, count: 0 });

export function observe(target: Histogram, seconds: number): void {
  target.sum += seconds;
  target.count += 1;
  const at = target.bounds.findIndex((bound) => seconds <= bound);
  if (at >= 0) target.counts[at]! += 1;
}

export const newCounters = () => ({
  promptTokens: 0,
  generationTokens: 0,
  prefixCacheQueries: 0,
  prefixCacheHits: 0,
  rejections: 0,
  finished: { stop: 0, length: 0, abort: 0, error: 0 } as Record<CountedReason, number>,
  timeToFirstToken: histogram(FIRST_TOKEN_SECONDS),
  queueTime: histogram(REQUEST_SECONDS),
  endToEnd: histogram(REQUEST_SECONDS),
});
export type Counters = ReturnType<typeof newCounters>;

/** What /metrics reads off the engine at the moment of the scrape. */
export interface Gauges {
  readonly running: number;
  readonly waiting: number;
  readonly kvCacheUsage: number;
  /** 0 awake, else the level it sleeps at. */
  readonly sleepLevel: number;
}

export interface MetricsIdentity {
  readonly model: string;
  readonly blockSize: number;
  readonly cacheBlocks: number;
}

const escapeLabel = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

export function metricsText(counters: Counters, gauges: Gauges, identity: MetricsIdentity): string {
  const base = `engine="0",model_name="${escapeLabel(identity.model)}"`;
  const lines: string[] = [];
  const family = (name: string, type: string, help: string) =>
    lines.push(`# HELP vllm:${name} ${help}`, `# TYPE vllm:${name} ${type}`);
  const value = (name: string, number: number, labels = '') =>
    lines.push(`vllm:${name}{${base}${labels === '' ? '' : `,${labels}`}} ${number}`);
  const single = (name: string, type: string, help: string, number: number) => {
    family(name, type, help);
    value(name, number);
  };
  const histogramLines = (name: string, help: string, from: Histogram) => {
    family(name, 'histogram', help);
    let below = 0;
    from.bounds.forEach((bound, i) => {
      below += from.counts[i]!;
      value(`${name}_bucket`, below, `le="${bound}"`);
    });
    value(`${name}_bucket`, from.count, 'le="+Inf"');
    value(`${name}_sum`, from.sum);
    value(`${name}_count`, from.count);
  };

  single('num_requests_running', 'gauge', 'Number of requests in model execution batches.', gauges.running);
  single('num_requests_waiting', 'gauge', 'Number of requests waiting to be processed.', gauges.waiting);
  single('kv_cache_usage_perc', 'gauge', 'KV-cache usage. 1 means 100 percent usage.', gauges.kvCacheUsage);
  single('prefix_cache_queries_total', 'counter', 'Prefix cache queries, in tokens.', counters.prefixCacheQueries);
  single('prefix_cache_hits_total', 'counter', 'Prefix cache hits, in tokens.', counters.prefixCacheHits);
  single('prompt_tokens_total', 'counter', 'Number of prefill tokens processed.', counters.promptTokens);
  single('generation_tokens_total', 'counter', 'Number of generation tokens processed.', counters.generationTokens);
  single('num_preemptions_total', 'counter', 'Cumulative number of preemptions.', 0);
  family('request_success_total', 'counter', 'Count of finished requests.');
  for (const reason of FINISHED_REASONS) {
    value('request_success_total', counters.finished[reason], `finished_reason="${reason}"`);
  }
  family('admission_rejections_total', 'counter', 'Requests refused because the queue is full.');
  value('admission_rejections_total', counters.rejections, 'reason="max_num_queued_reqs"');
  family('engine_sleep_state', 'gauge', 'Engine sleep state.');
  value('engine_sleep_state', gauges.sleepLevel === 0 ? 1 : 0, 'sleep_state="awake"');
  value('engine_sleep_state', gauges.sleepLevel === 1 ? 1 : 0, 'sleep_state="weights_offloaded"');
  value('engine_sleep_state', gauges.sleepLevel === 2 ? 1 : 0, 'sleep_state="discard_all"');
  family('cache_config_info', 'gauge', 'Information of the cache configuration.');
  const { blockSize, cacheBlocks } = identity;
  value(
    'cache_config_info',
    1,
    `block_size="${blockSize}",enable_prefix_caching="${cacheBlocks > 0 ? 'True' : 'False'}",num_gpu_blocks="${cacheBlocks}"`,
  );
  histogramLines('time_to_first_token_seconds', 'Histogram of time to first token.', counters.timeToFirstToken);
  histogramLines('request_queue_time_seconds', 'Histogram of time spent in the waiting queue.', counters.queueTime);
  histogramLines('e2e_request_latency_seconds', 'Histogram of end to end request latency.', counters.endToEnd);
  return `${lines.join('\n')}\n`;
}
