// The Log port on pino: one JSON object a line, allow-listed fields, buffered so that a line costs no write. For entry/node.
import pino from 'pino';
import type { Log, LogFields } from '../../core/runtime.ts';

export interface NodeLog extends Log {
  /** Writes out what is buffered; call it before the process ends. */
  flush(): void;
}

/** `none` keeps warnings and errors; `summary` adds a line per call; `debug` adds the rest. */
export function createNodeLog(level: 'none' | 'summary' | 'debug', descriptor: number): NodeLog {
  const destination = pino.destination({ fd: descriptor, sync: false, minLength: 4096, periodicFlush: 200 });
  const logger = pino(
    { level: level === 'none' ? 'warn' : level === 'summary' ? 'info' : 'debug', base: null, messageKey: 'event' },
    destination,
  );
  const none: LogFields = {};
  return {
    debug: (event, fields = none) => logger.debug(fields, event),
    info: (event, fields = none) => logger.info(fields, event),
    warn: (event, fields = none) => logger.warn(fields, event),
    error: (event, fields = none) => logger.error(fields, event),
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // The descriptor may not be open yet, or be gone: there is nobody left to tell.
      }
    },
  };
}
