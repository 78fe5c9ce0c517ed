// The thread that adds up the ledger, so that a long sum keeps neither calls nor commits waiting. For the ledger on Node, which starts it.
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { PoolTimeRow, UsageQuery, UsageRow } from '../../core/ledger.ts';
import { StoreFault } from '../../core/store.ts';
import type { FromThread } from './ledger-messages.ts';
import { type LedgerReader, openLedgerReader } from './ledger-reader.ts';
import type { Beginning } from './thread.ts';

export type ReportQuestion =
  | { readonly what: 'usage'; readonly query: UsageQuery }
  | { readonly what: 'poolTime'; readonly fromMs: number; readonly toMs: number };

export type ReportAnswer = readonly UsageRow[] | readonly PoolTimeRow[];

export interface ReportThreadData {
  readonly folder: string;
}

interface Asking {
  readonly kind: 'ask';
  readonly id: number;
  readonly question: ReportQuestion;
}

function start(port: MessagePort): void {
  const tell = (message: FromThread<ReportAnswer>) => port.postMessage(message);
  let folder = '';
  let reader: LedgerReader | null = null;
  const answerTo = (question: ReportQuestion): ReportAnswer => {
    reader ??= openLedgerReader(folder);
    if (reader === null) return [];
    if (question.what === 'usage') return reader.usage(question.query);
    return reader.poolTime(question.fromMs, question.toMs);
  };
  port.on('message', (message: Beginning<ReportThreadData> | Asking) => {
    if (message.kind === 'begin') {
      folder = message.data.folder;
      return tell({ kind: 'ready' });
    }
    const { id, question } = message;
    try {
      tell({ kind: 'answer', id, answer: answerTo(question) });
    } catch (thrown) {
      if (!(thrown instanceof StoreFault)) throw thrown;
      tell({ kind: 'fault', id, code: thrown.code, text: thrown.message });
    }
  });
}

if (parentPort !== null) start(parentPort);
