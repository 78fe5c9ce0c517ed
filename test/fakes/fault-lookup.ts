// Decides what name resolution answers: addresses, nothing, an error, late or never,
// for tests of DNS faults; it has the signature of dns.lookup, so an agent takes it as it is.

import type { LookupAddress, LookupOptions } from 'node:dns';

export type LookupOutcome =
  | readonly string[]
  | { code: 'ENOTFOUND' | 'EAI_AGAIN' | 'ESERVFAIL' }
  | { when: Promise<unknown>; addresses: readonly string[] }
  | 'never';

type Callback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

export type FaultLookup = {
  lookup: (hostname: string, options: LookupOptions, callback: Callback) => void;
  readonly asked: string[];
  answer(hostname: string, outcome: LookupOutcome): void;
};

/** Names without an outcome do not exist. */
export function faultLookup(outcomes: Record<string, LookupOutcome> = {}): FaultLookup {
  const table = new Map(Object.entries(outcomes));
  const asked: string[] = [];
  const refuse = (hostname: string, code: string, callback: Callback) => {
    callback(
      Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, hostname, syscall: 'getaddrinfo' }),
      [],
    );
  };
  const found = (addresses: readonly string[], options: LookupOptions, callback: Callback) => {
    const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all === true) callback(null, all);
    else callback(null, all[0]?.address ?? '', all[0]?.family ?? 4);
  };
  return {
    asked,
    answer(hostname, outcome) {
      table.set(hostname, outcome);
    },
    lookup(hostname, options, callback) {
      asked.push(hostname);
      const outcome = table.get(hostname) ?? ({ code: 'ENOTFOUND' } as const);
      if (outcome === 'never') return;
      if ('when' in outcome) void outcome.when.then(() => found(outcome.addresses, options, callback));
      else if ('code' in outcome) queueMicrotask(() => refuse(hostname, outcome.code, callback));
      else queueMicrotask(() => found(outcome, options, callback));
    },
  };
}
