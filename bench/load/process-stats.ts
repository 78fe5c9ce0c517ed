// What a process has used so far, read from /proc. For the load, which reads it at the edges of a window.
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUse {
  /** CPU time of all live threads, ms. */
  readonly cpuMs: number;
  /** Time its threads were ready but others had the core, ms. */
  readonly waitedMs: number;
}

/** Nanosecond figures of the scheduler; a thread that has ended is no longer counted. */
export function processUse(pid: number): ProcessUse {
  let cpuNs = 0;
  let waitedNs = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const [ran, waited] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ');
    cpuNs += Number(ran);
    waitedNs += Number(waited);
  }
  return { cpuMs: cpuNs / 1e6, waitedMs: waitedNs / 1e6 };
}

export function residentKiB(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (line === null) throw new Error(`no resident size for process ${pid}`);
  return Number(line[1]);
}
