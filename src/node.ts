// The surface on Node: a whole router with its own listeners, and what an embedded one takes from Node. For library users.
import { fileURLToPath } from 'node:url';
import type { Launcher } from './demo/source.ts';

export type { Address } from './core/units.ts';
export type { Launcher } from './demo/source.ts';
export {
  AddressRefused,
  type LogLevel,
  type NodeOptions,
  PolicyRefused,
  type RunningRouter,
  startRouter,
} from './entry/node.ts';
export { createNodeLog, type NodeLog } from './runtime/node/log.ts';
export { nodePolicyFiles, nodeSecrets } from './runtime/node/policy-files.ts';
export { createNodeTransport, type NodeTransportOptions } from './runtime/node/transport.ts';
export { openSqliteLedger, type SqliteLedgerOptions } from './stores/sqlite/ledger.ts';
export { SqliteTenants } from './stores/sqlite/tenants.ts';

/** Starts demo workers by the command line of this very package. */
export const demoLauncher: Launcher = {
  executable: process.execPath,
  args: [fileURLToPath(new URL('../bin/spillway.mjs', import.meta.url))],
};
