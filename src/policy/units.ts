// Schema fields whose text has a form of its own: durations, addresses, secrets, names. For the schema and plug-ins' options.
import { z } from 'zod';
import { type Address, formatDuration, MAX_DURATION_MS, parseAddress, parseDuration } from '../core/units.ts';

interface Checked<T> {
  /** Anchored; what an editor checks. */
  readonly form: RegExp;
  parse(text: string): T | null;
  readonly message: string;
}

/** Text that becomes `T`. Zod reports the message; the value is never part of it. */
function parsed<T>(checked: Checked<T>) {
  return z
    .string({ error: (issue) => (typeof issue.input === 'number' ? checked.message : undefined) })
    .regex(checked.form, checked.message)
    .transform((text, context): T => {
      const value = checked.parse(text);
      if (value !== null) return value;
      context.addIssue({ code: 'custom', message: checked.message });
      return z.NEVER;
    });
}

/** "700ms", "10s", "10m", "24h" to ms, at least `leastMs`. A bare number is refused: nobody can tell its unit. */
export function duration(leastMs = 0) {
  return parsed({
    form: /^\d{1,10}(\.\d{1,3})?(ms|s|m|h)$/,
    parse: (text) => {
      const ms = parseDuration(text);
      return ms !== null && ms >= leastMs ? ms : null;
    },
    message: `must be a duration with its unit, such as 700ms, 10s, 10m or 24h, from ${formatDuration(leastMs)} to ${Math.floor(MAX_DURATION_MS / 3_600_000)}h`,
  });
}

/** "127.0.0.1:8787" to host and port. */
export function address() {
  return parsed<Address>({
    form: /^.+:\d{1,5}$/,
    parse: parseAddress,
    message: 'must be a host and a port, such as 127.0.0.1:8787 or "[::1]:8787"; port 0 takes a free one',
  });
}

export const SECRET_FORM = /^\$(file:.+|[A-Za-z_][A-Za-z0-9_]*)$/;
export const SECRET_MESSAGE = 'must be $NAME (an environment variable) or $file:/path, never the secret itself';

/** A reference to a secret. It stays a reference in the parsed document; `load` resolves it. */
export function secret() {
  return z.string({ error: SECRET_MESSAGE }).regex(SECRET_FORM, SECRET_MESSAGE);
}

/** Names of pools and ladders: they appear in headers, metrics and paths. */
export function name() {
  return z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      'is no name: use up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit',
    );
}

export const MAX_MODEL_NAME = 256;

/** Names that callers ask for or workers know: visible ASCII. */
export function modelName() {
  return z
    .string()
    .regex(/^[!-~]{1,256}$/, `is no model name: use up to ${MAX_MODEL_NAME} visible ASCII characters without spaces`);
}

/** A provider's name, or `name/model`. Only the first slash counts: models may have slashes of their own. */
export function providerRung() {
  return z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\/[!-~]{1,256})?$/, 'must be the name of a provider, or name/model');
}

/** "80%" to 0.8; factors may go beyond 100%. */
export function percent(most: 1 | 10 = 1) {
  return parsed<number>({
    form: most === 1 ? /^\d{1,3}(\.\d{1,3})?%$/ : /^\d{1,4}(\.\d{1,3})?%$/,
    parse: (text) => {
      const share = Number(text.slice(0, -1)) / 100;
      return share <= most ? share : null;
    },
    message: `must be a share such as 80%, from 0% to ${most * 100}%`,
  });
}

const AMOUNT_FORM = /^\d{1,12}(\.\d{1,3})?[kM]?$/;
export const MAX_AMOUNT = 1_000_000_000_000;
export const AMOUNT_MESSAGE = 'must be a whole number above 0, such as 600, 400k or 5M';

/** 600, "400k", "1.5M" to a whole number; null when it is none. */
export function parseAmount(text: string): number | null {
  if (!AMOUNT_FORM.test(text)) return null;
  const factor = text.endsWith('k') ? 1000 : text.endsWith('M') ? 1_000_000 : 1;
  const amount = Math.round(Number(text.replace(/[kM]$/, '')) * factor * 1000) / 1000;
  return Number.isInteger(amount) && amount >= 1 && amount <= MAX_AMOUNT ? amount : null;
}

const amountNumber = () => z.int(AMOUNT_MESSAGE).min(1, AMOUNT_MESSAGE).max(MAX_AMOUNT, AMOUNT_MESSAGE);
const amountText = () => parsed<number>({ form: AMOUNT_FORM, parse: parseAmount, message: AMOUNT_MESSAGE });

/** Both forms of an amount, for unions that have further ones. */
export const amountForms = () => [amountNumber(), amountText()] as const;

/** A whole number above 0, or text with a thousand or a million as its unit. */
export function amount() {
  return z.union([...amountForms()], { error: AMOUNT_MESSAGE });
}

const DAY = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** "2027-01-31" (00:00 UTC) or "2027-01-31T12:00:00Z" to Unix epoch, ms; null when it is none. */
export function parseTime(text: string): number | null {
  const day = DAY.exec(text)?.[1];
  // A day that no month has would otherwise count as one of the next month.
  if (day === undefined || !new Date(Date.parse(day) || 0).toISOString().startsWith(day)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : atMs;
}

/** A date, whose day begins in UTC, or a time with its zone. */
export function instant() {
  return parsed<number>({
    form: DAY,
    parse: parseTime,
    message: 'must be a date such as 2027-01-31 (00:00 UTC) or a time such as 2027-01-31T12:00:00Z',
  });
}

/** A date; it stays text. */
export function day() {
  return parsed<string>({
    form: /^\d{4}-\d{2}-\d{2}$/,
    parse: (text) => (parseTime(text) === null ? null : text),
    message: 'must be a date such as 2026-09-30',
  });
}

/** Bytes: "512KiB", "64MiB", "1GiB". */
export function size() {
  const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
  return parsed<number>({
    form: /^\d{1,6}(KiB|MiB|GiB)$/,
    parse: (text) => Number(text.slice(0, -3)) * units[text.slice(-3)]!,
    message: 'must be a size with its unit, such as 512KiB, 64MiB or 1GiB',
  });
}

/** A number, fractions allowed. */
export function number(least: number, most: number) {
  const message = `must be a number from ${least} to ${most}`;
  const error = ({ input }: { input?: unknown }) => (input === undefined ? 'is required' : message);
  return z.number({ error }).min(least, message).max(most, message);
}

const COUNT_MESSAGE = 'must be a whole number';

export function count(least: number, most: number) {
  return z
    .int(`${COUNT_MESSAGE} from ${least} to ${most}`)
    .min(least, `${COUNT_MESSAGE} of at least ${least}`)
    .max(most, `${COUNT_MESSAGE} of at most ${most}`);
}
