// How amounts of money are counted, so that sums are exact. For prices, admission, ledger and stores.

/** A billionth of a US dollar, whole numbers: 1 USD per million tokens is 1,000 of them a token. Exact up to 9 million USD. */
export type NanoUsd = number;

export const NANO_USD_PER_USD = 1_000_000_000;

export function nanoUsd(usd: number): NanoUsd {
  return Math.round(usd * NANO_USD_PER_USD);
}

/** "$4.11"; amounts below a cent keep enough digits to be told from nothing: "$0.000042". */
export function usdText(amount: NanoUsd): string {
  const usd = amount / NANO_USD_PER_USD;
  const whole = Math.abs(usd) >= 0.01 || amount === 0;
  return `$${whole ? usd.toFixed(2) : usd.toFixed(9).replace(/0+$/, '')}`;
}
