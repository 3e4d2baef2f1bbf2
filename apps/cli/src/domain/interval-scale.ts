const SCALE_WIDTH = 33;

export interface ScaledInterval {
  readonly difference?: number | undefined;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly limit?: number | undefined;
}

/** An interval on a line around no difference: `●` the difference, `━` its interval, `┃` the limit where there is one, `│` no difference. */
export function intervalScale({ difference, low, high, limit }: ScaledInterval): string {
  const finite = [difference, low, high, limit].filter((value): value is number => value !== undefined && Number.isFinite(value)).map(Math.abs);
  const most = Math.max(...finite, Number.MIN_VALUE) * 1.1;
  const place = (value: number): number => Math.round(((Math.max(-most, Math.min(most, value)) / most + 1) / 2) * (SCALE_WIDTH - 1));
  const cells = Array.from({ length: SCALE_WIDTH }, () => '·');
  if (low !== undefined && high !== undefined) for (let cell = place(low); cell <= place(high); cell += 1) cells[cell] = '━';
  cells[place(0)] = '│';
  if (limit !== undefined) cells[place(limit)] = '┃';
  if (difference !== undefined) cells[place(difference)] = '●';
  return cells.join('');
}
