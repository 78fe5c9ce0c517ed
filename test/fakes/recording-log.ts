// Decides that log lines are kept instead of printed,
// for tests that assert what was logged and that nothing secret was.

import type { Log, LogFields } from '../../src/core/runtime.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogEntry = { level: LogLevel; event: string; fields: LogFields };

export type RecordingLog = Log & {
  readonly entries: LogEntry[];
  of(event: string): LogEntry[];
  /** All entries as one text, to search for what must never be logged. */
  text(): string;
};

export function recordingLog(): RecordingLog {
  const entries: LogEntry[] = [];
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      entries.push({ level, event, fields: { ...fields } });
    };
  return {
    entries,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    of: (event) => entries.filter((entry) => entry.event === event),
    text: () => entries.map((entry) => JSON.stringify(entry)).join('\n'),
  };
}
