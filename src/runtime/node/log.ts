// The Log port on pino: one JSON object a line, allow-listed fields, lines written many at a time. For entry/node.
import pino from 'pino';
import type { Log, LogFields } from '../../core/runtime.ts';

export interface NodeLog extends Log {
  /** Resolves when all that was said is written, or cannot be. */
  flush(): Promise<void>;
}

/** Lines are gathered up to so many characters, or so long, ms: a write of its own costs more than the line. */
const GATHER = 65_536;
const GATHER_MS = 250;
const INFO = pino.levels.values['info'];

/**
 * `none` keeps warnings and errors; `summary` adds a line per call; `debug` adds the rest. Lines of level info, one per
 * call, are put together here in pino's form: its own serialiser costs four times as much for as many fields.
 */
export function createNodeLog(level: 'none' | 'summary' | 'debug', descriptor: number): NodeLog {
  const destination = pino.destination({ fd: descriptor, sync: false, minLength: 1, maxWrite: 131_072 });
  const logger = pino(
    { level: level === 'none' ? 'warn' : level === 'summary' ? 'info' : 'debug', base: null, messageKey: 'event' },
    destination,
  );
  const saysInfo = level !== 'none';
  let lines = '';
  let timer: NodeJS.Timeout | null = null;

  function write(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (lines.length > 0) destination.write(lines);
    lines = '';
  }

  function info(event: string, fields: LogFields = {}): void {
    if (!saysInfo) return;
    const said = JSON.stringify(fields);
    const rest = said === '{}' ? '}' : `,${said.slice(1)}`;
    lines += `{"level":${INFO},"time":${Date.now()},"event":${JSON.stringify(event)}${rest}\n`;
    if (lines.length >= GATHER) write();
    else timer ??= setTimeout(write, GATHER_MS).unref();
  }

  /** Rare and urgent: behind what came before it, and out at once. */
  const urgent =
    (method: 'debug' | 'warn' | 'error') =>
    (event: string, fields: LogFields = {}): void => {
      write();
      logger[method](fields, event);
    };

  return {
    debug: urgent('debug'),
    info,
    warn: urgent('warn'),
    error: urgent('error'),
    flush() {
      write();
      return new Promise((resolve) => destination.flush(() => resolve()));
    },
  };
}
