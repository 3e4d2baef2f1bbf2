const UNITS = [['d', 86_400], ['h', 3600], ['min', 60]] as const;

/** Seconds in the largest unit that leaves at least two of it. */
export function duration(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= 2 * length) ?? ['s', 1];
  return `${Number((seconds / size).toFixed(1))} ${unit}`;
}
