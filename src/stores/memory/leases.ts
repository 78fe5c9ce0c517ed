// Leases that live as long as the process. For the library and tests.
import type { Lease, LeaseStore } from '../../core/leases.ts';

/** `wallMs`: the store's clock. A lease that is over is forgotten when its name is next asked for, or when there are many. */
export function createMemoryLeases(wallMs: () => number, sweepAbove = 1_000): LeaseStore {
  /** By name, then by holder, in the order of granting. */
  const leases = new Map<string, Map<string, Lease>>();
  let fences = 0;
  let count = 0;

  function inForce(name: string): Map<string, Lease> {
    const held = leases.get(name);
    if (held === undefined) return new Map();
    const nowMs = wallMs();
    for (const lease of held.values()) if (lease.expiresMs <= nowMs) drop(lease);
    return held;
  }

  function drop({ name, holder }: Lease): void {
    const held = leases.get(name);
    if (held?.delete(holder) !== true) return;
    count--;
    if (held.size === 0) leases.delete(name);
  }

  function keep(lease: Lease): Lease {
    const held = leases.get(lease.name) ?? new Map<string, Lease>();
    leases.set(lease.name, held);
    if (!held.has(lease.holder)) count++;
    held.set(lease.holder, lease);
    return { ...lease };
  }

  return {
    take({ name, holder, most, ttlMs }) {
      if (count > sweepAbove) for (const each of [...leases.keys()]) inForce(each);
      const held = inForce(name);
      const own = held.get(holder);
      const expiresMs = wallMs() + ttlMs;
      if (own !== undefined) return keep({ ...own, expiresMs });
      return held.size >= most ? null : keep({ name, holder, fence: ++fences, expiresMs });
    },
    renew({ name, holder, fence }, ttlMs) {
      const own = inForce(name).get(holder);
      return own?.fence === fence ? keep({ ...own, expiresMs: wallMs() + ttlMs }) : null;
    },
    release(lease) {
      if (leases.get(lease.name)?.get(lease.holder)?.fence === lease.fence) drop(lease);
    },
    held: (name) => [...inForce(name).values()].map((lease) => ({ ...lease })),
  };
}
