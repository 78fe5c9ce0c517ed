// Whether a refusal says that the account has no money. For upstream/classify.

const CODES =
  /^(insufficient_quota|billing_[a-z_]+|credit_balance_exhausted|(organization|project)_(spend|usage)_limit_exceeded|enforced_spend_limit_reached)$/;
/** Where there is no code for it. */
const TEXTS = /^(Your credit balance is too low|You have reached your specified API usage limits)/;

/**
 * Looks at the fields that are the API's own words, never at the text as a whole: a caller's prompt that is echoed in it
 * must not take the account away from everybody.
 */
export function speaksOfMoney(body: string): boolean {
  let reply: unknown;
  try {
    reply = JSON.parse(body);
  } catch {
    return false;
  }
  const error = memberOf(Array.isArray(reply) ? reply[0] : reply, 'error');
  const words = [memberOf(error, 'code'), memberOf(error, 'type'), memberOf(memberOf(error, 'details'), 'error_code')];
  if (words.some((word) => typeof word === 'string' && CODES.test(word))) return true;
  const text = memberOf(error, 'message');
  return typeof text === 'string' && TEXTS.test(text);
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
