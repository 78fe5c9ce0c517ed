// Which format a trace file is in, told by its first line. For the command line and scripts.
import { readAzure } from './azure.ts';
import { readClaudeCode } from './claude-code.ts';
import { type Trace, TraceError } from './forms.ts';
import { readLmcache } from './lmcache.ts';
import { readMooncake } from './mooncake.ts';
import { readServeGenRates, readServeGenTokens } from './servegen.ts';

/** Throws a TraceError where the text is in none of the formats, or not whole. */
export function readTrace(text: string): Trace {
  const head = text.slice(0, 4096).split('\n', 1)[0]!;
  if (head.startsWith('TIMESTAMP,')) return { kind: 'calls', calls: readAzure(text) };
  if (head.startsWith('client,start_s,rate_rps')) return { kind: 'rates', rates: readServeGenRates(text) };
  if (head.startsWith('client,start_s,field')) return { kind: 'tokens', tokens: readServeGenTokens(text) };
  if (/^\{\s*"timestamp"/.test(head)) return { kind: 'calls', calls: readMooncake(text) };
  if (/^\{\s*"agent"/.test(head)) return { kind: 'sessions', sessions: readLmcache(text) };
  if (/^\{\s*"id"/.test(head)) return { kind: 'sessions', sessions: readClaudeCode(text) };
  throw new TraceError('Unknown', 1, 'neither Claude Code, Mooncake, Azure, ServeGen nor LMCache');
}
