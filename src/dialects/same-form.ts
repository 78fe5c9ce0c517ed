// What a call looks like to a target that speaks the caller's own dialect: the caller's bytes. For all dialects.
import type { UpstreamCall } from '../core/dialect.ts';
import type { Field } from '../wire/scan.ts';
import { jsonString, splice } from '../wire/splice.ts';

export const NONE: readonly string[] = [];

/** An UpstreamCall in which nothing is translated. */
export function sameForm(
  call: Pick<UpstreamCall, 'path' | 'body' | 'judge' | 'check'> & { readonly headers?: readonly string[] },
): UpstreamCall {
  const { path, body, judge, check, headers = NONE } = call;
  return { path, headers, body, dropped: NONE, translated: false, judge, check };
}

/** The body with the model's name replaced where the target knows another; the very same bytes where it does not. */
export function renamed(body: Uint8Array, field: Field, asked: string, served: string): Uint8Array {
  if (served === asked) return body;
  return splice(body, [{ start: field.start, end: field.end, bytes: jsonString(served) }]);
}
