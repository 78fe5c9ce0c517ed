// What a failure means that a target states inside a Responses reply. For openai-responses' judge and check.
import { RouterError } from '../core/errors.ts';
import { inBandFault } from './faults.ts';

const CONTEXT = /context_length|context_window/;
const FILTERED = /_policy$|_policy_violation$|content_filter/;
const CREDENTIAL = /invalid_api_key|authentication|permission/;
const PLACE = /(model|deployment|engine)_not_found|data_residency/;
const INVALID = /^(invalid_|image_|unsupported_|empty_image|failed_to_download)|_not_found$/;

/** `value` is the error object; its own text is never passed on: it may hold keys or prompts. */
export function responseFault(value: unknown): RouterError {
  const known = inBandFault(value);
  if (known.code !== 'upstream_error') return known;
  const { code, type } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  // The code says more than the type, which is `invalid_request_error` for many a cause.
  return meaning(code) ?? meaning(type) ?? known;
}

function meaning(word: unknown): RouterError | null {
  if (typeof word !== 'string') return null;
  if (CONTEXT.test(word))
    return new RouterError(
      'context_length_exceeded',
      'The prompt is too long for the target, as it said in its reply.',
    );
  if (FILTERED.test(word)) return new RouterError('content_refused', 'The target refused the content of the request.');
  if (CREDENTIAL.test(word))
    return new RouterError('upstream_refused_key', "The target refused the router's own credential, inside its reply.");
  if (PLACE.test(word))
    return new RouterError('upstream_error', 'The target cannot serve this model for its account.', {
      retryable: false,
    });
  if (INVALID.test(word))
    return new RouterError('refused_by_target', 'The target refused the request as invalid, inside its reply.');
  return null;
}
