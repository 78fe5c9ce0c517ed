// How durations and addresses are written in policy, flags and headers. For policy, http and the command line.

/** Timers hold 31 bits of milliseconds; what is longer would fire at once. */
export const MAX_DURATION_MS = 2_147_483_647;

const DURATION = /^(\d{1,10})(?:\.(\d{1,3}))?(ms|s|m|h)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "700ms", "1.5s", "10m", "24h" to whole ms; null when it is none, lacks a unit or exceeds `MAX_DURATION_MS`. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const ms = Math.round(Number(`${match[1]}.${match[2] ?? '0'}`) * UNIT_MS[match[3]!]!);
  return ms <= MAX_DURATION_MS ? ms : null;
}

/** Whole ms in the largest unit that divides them: 90000 is "90s", 600000 is "10m". */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  for (const unit of ['h', 'm', 's']) {
    const size = UNIT_MS[unit]!;
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

/** Where to listen. Port 0 asks the system for a free one. */
export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/;

/** "127.0.0.1:8787" or "[::1]:8787"; null when it is none. */
export function parseAddress(text: string): Address | null {
  const match = ADDRESS.exec(text);
  if (match === null) return null;
  const port = Number(match[3]);
  return port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : null;
}
