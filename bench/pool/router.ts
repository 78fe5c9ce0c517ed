// The router on a policy of its own and a transport that sends nothing. For the ledger and the decision bench.
import type { Caller } from '../../src/core/keys.ts';
import type { Log } from '../../src/core/runtime.ts';
import type { Transport } from '../../src/core/transport.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { registriesWith } from '../../src/registries.ts';
import type { RouterStores } from '../../src/router/accounting.ts';
import { createRouter, type Router } from '../../src/router/create.ts';
import { newRequestId, nodeClock, nodeDigest } from '../../src/runtime/node/machine.ts';

export const CALLER: Caller = { tenant: 'development', keyId: null, managed: true, mayAsk: null, routes: null };
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export async function openRouter(policy: string, transport: Transport, stores?: RouterStores): Promise<Router> {
  const registries = registriesWith({});
  const loaded = await loadPolicy({
    path: 'bench.yaml',
    files: { read: async () => policy, list: async () => [] },
    registries,
    secrets: { env: () => undefined, file: async () => '' },
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
  return createRouter({
    catalog: compilePolicy(loaded.policy),
    registries,
    ...(stores === undefined ? {} : { stores }),
    runtime: {
      transport,
      clock: nodeClock,
      random: Math.random,
      newId: newRequestId,
      digest: nodeDigest,
      background: (task) => void task(),
      log: silent,
    },
  });
}
