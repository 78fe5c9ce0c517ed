// The thread that adds up the ledger, so that a long sum keeps neither calls nor commits waiting. For the ledger on Node, which starts it.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { PoolTimeRow, UsageQuery, UsageRow } from '../../core/ledger.ts';
import { StoreFault } from '../../core/store.ts';
import type { FromThread } from './ledger-messages.ts';
import { type LedgerReader, openLedgerReader } from './ledger-reader.ts';

export type ReportQuestion =
  | { readonly what: 'usage'; readonly query: UsageQuery }
  | { readonly what: 'poolTime'; readonly fromMs: number; readonly toMs: number };

export type ReportAnswer = readonly UsageRow[] | readonly PoolTimeRow[];

export interface ReportThreadData {
  readonly folder: string;
}

function start(port: MessagePort, { folder }: ReportThreadData): void {
  const tell = (message: FromThread<ReportAnswer>) => port.postMessage(message);
  let reader: LedgerReader | null = null;
  const answerTo = (question: ReportQuestion): ReportAnswer => {
    reader ??= openLedgerReader(folder);
    if (reader === null) return [];
    if (question.what === 'usage') return reader.usage(question.query);
    return reader.poolTime(question.fromMs, question.toMs);
  };
  port.on('message', ({ id, question }: { readonly id: number; readonly question: ReportQuestion }) => {
    try {
      tell({ kind: 'answer', id, answer: answerTo(question) });
    } catch (thrown) {
      if (!(thrown instanceof StoreFault)) throw thrown;
      tell({ kind: 'fault', id, code: thrown.code, text: thrown.message });
    }
  });
  tell({ kind: 'ready' });
}

if (parentPort !== null) start(parentPort, workerData as ReportThreadData);
