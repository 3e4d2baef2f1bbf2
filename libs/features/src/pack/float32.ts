/** Digits that every float32 has room for; a decimal of so many, or fewer, is the only one near its float. */
const FEWEST_DIGITS = 6;
/** Digits that tell any two float32 apart. */
const MOST_DIGITS = 9;

/** Powers of ten that a double holds exactly. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Between these, scaling to whole numbers needs no other power. */
const SMALLEST_SCALED = 1e-14;
const LARGEST_SCALED = 1e28;

/**
 * The float32 as the number that a person meant: the double that prints as the shortest decimal which reads back to the same float32
 * (0.3, where the float itself prints as 0.30000001192092896). Whoever reads it as float32 has the same bits, also where the reader does
 * not take the way over a double.
 *
 * The scaled whole numbers have at most nine digits and the powers are exact, so that each quotient is the double nearest to its decimal.
 *
 * @param value a float32; NaN, infinities and zeros of both signs come back as they are
 */
export function shortestFloat32(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude >= SMALLEST_SCALED && magnitude < LARGEST_SCALED)) return shortestByText(value);
  const exponent = Math.floor(Math.log10(magnitude));
  for (let digits = FEWEST_DIGITS; digits <= MOST_DIGITS; digits++) {
    const shift = digits - 1 - exponent;
    const decimal = shift >= 0 ? Math.round(value * POWERS_OF_TEN[shift]!) / POWERS_OF_TEN[shift]! : Math.round(value / POWERS_OF_TEN[-shift]!) * POWERS_OF_TEN[-shift]!;
    if (readsBack(decimal, value)) return decimal;
  }
  return shortestByText(value);
}

/** Very small and very large numbers, subnormal ones among them: slower, by the engine's own printing. */
function shortestByText(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  for (let digits = 1; digits <= MOST_DIGITS; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (readsBack(decimal, value)) return decimal;
  }
  return value;
}

/** Half-way between two floats a reader may fall to either side: such a decimal is taken for none. */
function readsBack(decimal: number, value: number): boolean {
  if (Math.fround(decimal) !== value) return false;
  const mirrored = decimal + (decimal - value);
  return mirrored === value || Math.fround(mirrored) !== mirrored;
}
