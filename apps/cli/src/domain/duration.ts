const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The moment so long from now (`90m`, `12h`, `30d`), in epoch milliseconds; `undefined` when the text says no duration. */
export function momentIn(text: string, nowMs: number): number | undefined {
  const [, amount, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  return amount === undefined || Number(amount) === 0 ? undefined : nowMs + Number(amount) * UNIT_MS[unit!]!;
}
