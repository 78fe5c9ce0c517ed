// The one error that crosses folder boundaries, and the table that says what each code means. For every folder.
import type { Reason } from './names.ts';
import type { QuotaView } from './quota.ts';

/** Who caused a failure. A caller's failure never moves shared health; a router's is never laid on a worker. */
export type Blame = 'caller' | 'router' | 'worker' | 'store';

interface CodeRow {
  readonly status: number;
  /** `error.type` in OpenAI's shape. */
  readonly type: string;
  readonly blame: Blame;
  /** A second try at another worker of the same target may help. */
  readonly retryable: boolean;
  /** The next rung may answer instead. */
  readonly descends: boolean;
  /** Waiting can cure it: the reply carries `Retry-After`. */
  readonly waits: boolean;
}

const bad = {
  type: 'invalid_request_error',
  blame: 'caller',
  retryable: false,
  descends: false,
  waits: false,
} as const;
const at = (status: number): CodeRow => ({ status, ...bad });
const permission = { ...bad, status: 403, type: 'permission_error' } as const;
const overloaded = {
  status: 503,
  type: 'service_unavailable_error',
  retryable: true,
  descends: true,
  waits: true,
} as const;
const upstream = { type: 'api_error', blame: 'worker', retryable: true, descends: true, waits: true } as const;

/** Every error code of the router, closed. Statuses and types follow docs/errors.md, which is generated from this table. */
export const ERROR_CODES = {
  invalid_json: at(400),
  invalid_value: at(400),
  missing_field: at(400),
  duplicate_key: at(400),
  forbidden_key: at(400),
  too_deep: at(400),
  too_complex: at(400),
  too_many: at(400),
  invalid_header: at(400),
  malformed_request: at(400),
  chunk_overhead: at(400),
  no_eligible_target: at(400),
  context_length_exceeded: at(400),
  content_refused: at(400),
  refused_by_target: at(400),
  conflicting_keys: at(400),
  invalid_api_key: at(401),
  host_not_allowed: permission,
  origin_not_allowed: permission,
  not_allowed: permission,
  not_found: at(404),
  model_not_found: at(404),
  method_not_allowed: at(405),
  body_timeout: at(408),
  idempotency_in_flight: { ...at(409), waits: true },
  request_too_large: at(413),
  unsupported_media_type: at(415),
  expectation_failed: at(417),
  idempotency_mismatch: at(422),
  upgrade_required: at(426),
  headers_too_large: at(431),
  /** The call alone asks for more than one of the caller's limits ever allows. */
  above_limit: at(400),
  rate_limit_exceeded: { ...bad, status: 429, type: 'rate_limit_error', waits: true },
  /** The money of a window is gone. A rung that costs less may answer, where policy says so. */
  project_spend_limit_exceeded: { ...bad, status: 429, type: 'insufficient_quota', descends: true },
  capacity_contended: {
    status: 429,
    type: 'rate_limit_error',
    blame: 'router',
    retryable: false,
    descends: true,
    waits: true,
  },
  worker_full: { ...overloaded, blame: 'worker' },
  server_is_overloaded: { ...overloaded, blame: 'router' },
  model_warming: { ...overloaded, blame: 'worker' },
  draining: { ...overloaded, blame: 'router', retryable: false, descends: false },
  store_unavailable: { ...overloaded, blame: 'store', retryable: false, descends: false },
  upstream_error: { ...upstream, status: 502 },
  upstream_refused_key: { ...upstream, status: 502, retryable: false },
  /** The account behind the target has run out of money: neither waiting nor another try helps. */
  upstream_unfunded: { ...upstream, status: 502, retryable: false, waits: false },
  upstream_timeout: { ...upstream, status: 504, retryable: false },
  internal_error: { ...bad, status: 500, type: 'api_error', blame: 'router' },
  /** The caller is gone: nobody reads it; it ends attempts and frees what they hold. */
  client_gone: at(499),
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** V8's knob; other engines ignore it. */
const STACKS = Error as unknown as { stackTraceLimit: number | undefined };

/** What is known of a refusal beyond its code and text. */
export interface RouterErrorDetail {
  /** The request field that is wrong, in OpenAI's `param`. */
  readonly param?: string;
  /** Whole seconds, 1 to 55. Absent on a code that waits: the verdict fills it in. */
  readonly retryAfterSeconds?: number;
  /** Seconds until the model is expected to answer, uncapped. */
  readonly readyInSeconds?: number;
  /** When a limit begins anew, Unix epoch in ms. */
  readonly resetsAtMs?: number;
  /** Why this rung was left, for disclosure. */
  readonly reason?: Reason;
  /** Attempts made before the call was given up. */
  readonly attempts?: number;
  /** Overrides of the table where one failure of a kind differs from the rest. */
  readonly retryable?: boolean;
  readonly descends?: boolean;
  /** The target's own code, one of a closed set that clients of its dialect act upon. */
  readonly vendorCode?: string;
  /** The account is at a limit of its own; else the target itself has no room. */
  readonly rateLimit?: boolean;
  /** How long the worker asked to be left alone, ms; capped where it is used. */
  readonly coolDownMs?: number;
  /** Where the caller's own limits stand. */
  readonly quota?: QuotaView;
  /** For `Allow`, `Upgrade` and `Connection`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A failure, classified where it is noticed. Its text is a fixed template of the router with values the router knows:
 * never upstream text, never a secret, never the caller's prompt.
 */
export class RouterError extends Error {
  readonly code: ErrorCode;
  readonly detail: RouterErrorDetail;

  constructor(code: ErrorCode, message: string, detail: RouterErrorDetail = {}) {
    // A refusal is an ordinary answer, often under load: its stack is never read, so it is not captured.
    const limit = STACKS.stackTraceLimit;
    STACKS.stackTraceLimit = 0;
    super(message);
    STACKS.stackTraceLimit = limit;
    this.name = 'RouterError';
    this.code = code;
    this.detail = detail;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
  get type(): string {
    return ERROR_CODES[this.code].type;
  }
  get blame(): Blame {
    return ERROR_CODES[this.code].blame;
  }
  get retryable(): boolean {
    return this.detail.retryable ?? ERROR_CODES[this.code].retryable;
  }
  get descends(): boolean {
    return this.detail.descends ?? ERROR_CODES[this.code].descends;
  }
  get waits(): boolean {
    return ERROR_CODES[this.code].waits;
  }
  get reason(): Reason {
    return this.detail.reason ?? 'failing';
  }

  /** The same failure with more known about it. */
  with(detail: RouterErrorDetail): RouterError {
    return new RouterError(this.code, this.message, { ...this.detail, ...detail });
  }
}

/** Turns whatever was thrown into a RouterError; a stranger becomes `internal_error` without its text. */
export function toRouterError(thrown: unknown): RouterError {
  if (thrown instanceof RouterError) return thrown;
  return new RouterError('internal_error', 'The router failed on this request. The fault is ours, and it is logged.');
}
