const CENTS = 0.01;
const SMALL_DIGITS = 3;

/** Millionths of a dollar for a person: cents and more with two decimals, less with three digits that say something; `?` for what is not known. */
export function money(microUsd: number | null): string {
  if (microUsd === null) return '?';
  const dollars = Math.abs(microUsd) / 1e6;
  const sign = microUsd < 0 ? '-' : '';
  if (dollars === 0) return '$0';
  if (dollars >= CENTS) return `${sign}$${dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  return `${sign}$${dollars.toLocaleString('en-US', { maximumSignificantDigits: SMALL_DIGITS, maximumFractionDigits: 20 })}`;
}
