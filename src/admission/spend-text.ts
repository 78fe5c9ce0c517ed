// What a tenant is told once its money is spent: how much, of what, for which time, and until when. For admission/spend.
import type { WindowSpend } from '../core/ledger.ts';
import { type NanoUsd, usdText } from '../core/money.ts';

export function spentText(tenant: string, window: WindowSpend, likely: NanoUsd): string {
  const { spent, limit, resetsMs } = window;
  const of = `${usdText(limit)} for ${spanText(window)}`;
  const resets = `Resets ${minuteText(resetsMs)}.`;
  if (spent >= limit) return `${tenant} has spent ${usdText(spent)} of ${of}. ${resets}`;
  const left = usdText(limit - spent);
  return `${tenant} has ${left} left of ${of}, and this call is likely to cost ${usdText(likely)}. ${resets}`;
}

/** In UTC: `2026-11-22 (UTC)`, `2026-11 (UTC)`, or the hour from `2026-11-22T14:00Z`. */
function spanText({ window, startMs }: WindowSpend): string {
  const text = new Date(startMs).toISOString();
  if (window === 'hour') return `the hour from ${minuteText(startMs)}`;
  return `${text.slice(0, window === 'day' ? 10 : 7)} (UTC)`;
}

function minuteText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`;
}
