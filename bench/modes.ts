// What is measured, on which work, and which figures count. For run.ts; a new mode is one entry here.
import type { Measured } from './load/jobs.ts';
import type { WorkloadName } from './workload.ts';

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** Decimals in the table. */
  readonly digits: number;
}

/** A turn's figures, by name. */
export type Figures = Readonly<Record<string, number>>;

export interface Mode {
  readonly name: string;
  readonly title: string;
  readonly workload: WorkloadName;
  readonly connections: number;
  /** `load`: a closed loop; `hold`: idle streams; `start`: a fresh process's first answer. */
  readonly kind: 'load' | 'hold' | 'start';
  /** The client straight to the upstream takes part, and what a proxy adds to it counts. */
  readonly direct: boolean;
  readonly figures: readonly Figure[];
  readonly read: (measured: Measured) => Figures;
}

const none = (): Figures => ({});
const perSecond = (count: number, seen: Measured) => (count * 1_000) / seen.elapsedMs;

const requests = (seen: Measured): Figures => ({
  'req/s': perSecond(seen.replies, seen),
  'CPU/req': (seen.cpuMs * 1_000) / seen.replies,
  p99: seen.p99Us / 1_000,
});

const REQUESTS: readonly Figure[] = [
  { name: 'req/s', unit: '/s', better: 'more', digits: 0 },
  { name: 'CPU/req', unit: 'µs', better: 'less', digits: 1 },
  { name: 'p99', unit: 'ms', better: 'less', digits: 1 },
];

export const MODES: readonly Mode[] = [
  {
    name: 'throughput',
    title: '2 KB chat, 64 connections',
    workload: 'small',
    connections: 64,
    kind: 'load',
    direct: false,
    figures: REQUESTS,
    read: requests,
  },
  {
    name: 'sequential',
    title: '2 KB chat, 1 connection',
    workload: 'small',
    connections: 1,
    kind: 'load',
    direct: true,
    figures: [{ name: 'added p50', unit: 'µs', better: 'less', digits: 1 }],
    read: (seen) => ({ p50: seen.p50Us }),
  },
  {
    name: 'stream',
    title: 'SSE, 32 streams, 250-byte events',
    workload: 'stream',
    connections: 32,
    kind: 'load',
    direct: false,
    figures: [{ name: 'CPU/1,000 chunks', unit: 'ms', better: 'less', digits: 1 }],
    read: (seen) => ({ 'CPU/1,000 chunks': (seen.cpuMs * 1_000) / seen.frames }),
  },
  {
    name: 'large',
    title: '220 KB prompt, 16 connections',
    workload: 'large',
    connections: 16,
    kind: 'load',
    direct: false,
    figures: REQUESTS,
    read: requests,
  },
  {
    name: 'idle',
    title: 'idle SSE streams',
    workload: 'idle',
    connections: 1_000,
    kind: 'hold',
    direct: false,
    figures: [
      { name: 'RSS/stream', unit: 'KiB', better: 'less', digits: 1 },
      { name: 'heap/stream', unit: 'KiB', better: 'less', digits: 1 },
    ],
    read: none,
  },
  {
    name: 'start',
    title: 'spawn to first answer',
    workload: 'small',
    connections: 1,
    kind: 'start',
    direct: false,
    figures: [{ name: 'first answer', unit: 'ms', better: 'less', digits: 0 }],
    read: none,
  },
];
