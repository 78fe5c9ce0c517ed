// Which headers of a provider's reply a policy may let through to callers, and why not the others. For the schema.
import { z } from 'zod';
import { HEADER_NAME } from './endpoint.ts';

const REFUSED: readonly (readonly [RegExp, string])[] = [
  [
    /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|via|alt-svc)$/,
    'is meant for one connection only',
  ],
  [/^(content-.*|accept-ranges|etag|age|date|server|x-powered-by)$/, 'tells of the reply as the router sends it'],
  [/^(x-spillway-.*|x-request-id|request-id|x-should-retry|retry-after.*)$/, 'is one that the router itself writes'],
  [/^(set-cookie2?|clear-site-data)$/, "would set state in the caller's client"],
  [
    /^(authorization|authentication-info|www-authenticate|.*(api-?key|token|secret|password).*)$/,
    'may carry a credential',
  ],
  [/^(.*-(organization|organisation|project|workspace|account)(-id)?|cf-.*)$/, 'tells who the account belongs to'],
  [
    /^(access-control-.*|cross-origin-.*|strict-transport-security|x-frame-options|x-content-type-options|cache-control|location|link|refresh|timing-allow-origin)$/,
    'tells browsers what they may do at the router',
  ],
];
/** Token counts are no tokens. */
const RATE_LIMIT = /^(x|anthropic)-ratelimit-[a-z-]+$/;

export function replyHeaderProblem(header: string): string | null {
  if (!HEADER_NAME.test(header)) return 'is no header name';
  const lower = header.toLowerCase();
  if (RATE_LIMIT.test(lower)) return null;
  const found = REFUSED.find(([names]) => names.test(lower));
  return found === undefined ? null : `never reaches callers: it ${found[1]}`;
}

export function replyHeaders() {
  return z
    .array(
      z
        .string()
        .superRefine((header, context) => {
          const message = replyHeaderProblem(header);
          if (message !== null) context.addIssue({ code: 'custom', message });
        })
        .transform((header) => header.toLowerCase()),
    )
    .max(32, 'has more than 32 entries');
}
