// What a process and its core have used so far, read from /proc. For the load, which reads it at the edges of a slice.
import { readdirSync, readFileSync } from 'node:fs';

/** A tick of /proc/stat, ms; the kernel shows user space 100 a second on every platform that Node runs on. */
const TICK_MS = 10;

/** CPU time of all live threads, ms, from the scheduler's nanoseconds; a thread that has ended is no longer counted. */
export function processCpuMs(pid: number): number {
  let cpuNs = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    cpuNs += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ', 1)[0]);
  }
  return cpuNs / 1e6;
}

/** Time the core was anybody's, interrupts and the hypervisor's other guests included, ms. */
export function coreBusyMs(core: number): number {
  const line = readFileSync('/proc/stat', 'latin1')
    .split('\n')
    .find((text) => text.startsWith(`cpu${core} `));
  if (line === undefined) throw new Error(`no core ${core}`);
  const [user, nice, system, , , irq, softirq, steal] = line.split(' ').slice(1).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) * TICK_MS;
}
