// The Log port as JSON lines, in the form that the log on Node has, to whatever the host writes with. For runtime/web.
import type { Log, LogFields } from '../../core/runtime.ts';

/** Takes one line, without a newline. */
export type WriteLine = (line: string) => void;

export type WebLogLevel = 'none' | 'summary' | 'debug';

/** pino's numbers. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;
const LEAST = { none: LEVELS.warn, summary: LEVELS.info, debug: LEVELS.debug } as const;

/** `none` keeps warnings and errors; `summary` adds a line per call; `debug` adds the rest. */
export function createWebLog(level: WebLogLevel, write: WriteLine): Log {
  const say =
    (method: keyof typeof LEVELS) =>
    (event: string, fields: LogFields = {}): void => {
      if (LEVELS[method] < LEAST[level]) return;
      const line = JSON.stringify({ level: LEVELS[method], time: Date.now(), event, ...fields });
      try {
        write(line);
      } catch {
        // A log that cannot be written must not end the call that it tells of.
      }
    };
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
