const SMALL_DIGITS = 3;
/** Below, in dollars, a person counts millionths. */
const MILLIONTHS_BELOW = 0.001;

/** Millionths of a dollar for a person: dollars with two decimals, less with three digits that say something, so that shares add up to their sum; `?` for what is not known. */
export function money(microUsd: number | null): string {
  if (microUsd === null) return '?';
  const dollars = Math.abs(microUsd) / 1e6;
  const sign = microUsd < 0 ? '-' : '';
  if (dollars === 0) return '$0';
  if (dollars >= 1) return `${sign}$${dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  return `${sign}$${small(dollars).replace(/\.\d$/, '$&0')}`;
}

/** What is told of a single prediction: most of it are millionths of a dollar (µ$), which in dollars are zeros. */
export function smallMoney(microUsd: number): string {
  if (microUsd === 0 || Math.abs(microUsd) / 1e6 >= MILLIONTHS_BELOW) return money(microUsd);
  return `${small(microUsd)} µ$`;
}

const small = (amount: number): string => amount.toLocaleString('en-US', { maximumSignificantDigits: SMALL_DIGITS, maximumFractionDigits: 20 });
