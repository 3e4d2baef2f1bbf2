/** A value of an output as it travels: numbers, what JSON has no number for as text, text, true and false. */
export type WireValue = number | string | boolean;

/** One output of one row, as it travels. */
export interface OutputValuesOfRow {
  readonly name: string;
  readonly datatype: string;
  readonly values: readonly WireValue[];
}

/** One value that is not what was answered. */
export interface Difference {
  readonly output: string;
  /** Within the row of the output, from 0. */
  readonly index: number;
  /** `null`: nothing was stored there. */
  readonly stored: WireValue | null;
  /** `null`: nothing was computed there. */
  readonly recomputed: WireValue | null;
  /** Recomputed minus stored, where both are finite numbers. */
  readonly difference?: number;
  /** So many representable numbers of the output's datatype lie between the two, the last one included; of floats only. */
  readonly ulps?: number;
}

/**
 * Holds what was answered against what has been computed again, value by value. The wire writes a float by the fewest digits that name it, so
 * that equal values have equal bits; the sign of zero is the one bit that JSON loses, and it is not compared.
 */
export function compareOutputs(stored: Readonly<Record<string, unknown>>, recomputed: readonly OutputValuesOfRow[]): { readonly compared: number; readonly differences: Difference[] } {
  const byName = new Map(recomputed.map((output) => [output.name, output]));
  const names = [...new Set([...Object.keys(stored), ...byName.keys()])];
  let compared = 0;
  const differences: Difference[] = [];
  for (const name of names) {
    const before = valuesOf(stored[name]);
    const { values: now, datatype } = byName.get(name) ?? { values: [], datatype: '' };
    const length = Math.max(before.length, now.length);
    compared += length;
    for (let index = 0; index < length; index++) {
      const [was, is] = [before[index] ?? null, now[index] ?? null];
      if (!isSame(was, is)) differences.push({ output: name, index, stored: was, recomputed: is, ...distance(was, is, datatype) });
    }
  }
  return { compared, differences };
}

/** The score of a row, as the one who answered computes it from the outputs; `undefined` where the signature names none, or it is not finite. */
export function scoreIn(outputs: readonly OutputValuesOfRow[], score: { readonly output: string; readonly index: number } | undefined): number | undefined {
  const value = score === undefined ? undefined : outputs.find(({ name }) => name === score.output)?.values[score.index];
  return value === undefined || !Number.isFinite(Number(value)) ? undefined : Number(value);
}

const valuesOf = (stored: unknown): readonly WireValue[] => (Array.isArray(stored) ? (stored as WireValue[]) : []);

/** `===` takes both zeros for the same, as the wire does. */
const isSame = (a: WireValue | null, b: WireValue | null): boolean => a === b;

function distance(stored: WireValue | null, recomputed: WireValue | null, datatype: string): Pick<Difference, 'difference' | 'ulps'> {
  if (typeof stored !== 'number' || typeof recomputed !== 'number') return {};
  const difference = recomputed - stored;
  if (datatype === 'FP32') return { difference, ulps: Number(abs(ordinal32(recomputed) - ordinal32(stored))) };
  if (datatype === 'FP64') return { difference, ulps: Number(abs(ordinal64(recomputed) - ordinal64(stored))) };
  return { difference };
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

const scratch = new DataView(new ArrayBuffer(8));

/** Floats in their order as whole numbers: neighbours are one apart, and both zeros are 0. */
function ordinal32(value: number): bigint {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return BigInt(bits >= 0x8000_0000 ? 0x8000_0000 - bits : bits);
}

function ordinal64(value: number): bigint {
  scratch.setFloat64(0, value);
  const bits = scratch.getBigUint64(0);
  return bits >= 1n << 63n ? (1n << 63n) - bits : bits;
}
