import type { FeatureScalar } from '../windows/definition.js';
import { readNumber } from './convert.js';

const INTEGER_BITS = { UINT8: 8, UINT16: 16, UINT32: 32, UINT64: 64, INT8: 8, INT16: 16, INT32: 32, INT64: 64 } as const;
const FLOATS = ['FP16', 'FP32', 'FP64', 'BF16'] as const;

/** Datatypes of the Open Inference Protocol. */
export type WireDatatype = keyof typeof INTEGER_BITS | (typeof FLOATS)[number] | 'BOOL' | 'BYTES';

interface Content {
  /** As in “must be …”. */
  readonly expected: string;
  /** Whether a value that is not `null` may stand in a tensor of the datatype. */
  readonly holds: (value: FeatureScalar) => boolean;
}

const number: Content = { expected: 'a number', holds: (value) => typeof value === 'number' || (typeof value === 'string' && readNumber(value) !== undefined) };

/** Integers beyond 2^53 travel as text. */
function integer(datatype: keyof typeof INTEGER_BITS): Content {
  const bits = BigInt(INTEGER_BITS[datatype]);
  const [least, most] = datatype.startsWith('U') ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
  const [leastNumber, mostNumber] = [Number(least), Number(most)];
  const holds = (value: FeatureScalar): boolean => {
    if (typeof value === 'number') return Number.isInteger(value) && value >= leastNumber && value <= mostNumber;
    return typeof value === 'string' && /^[+-]?\d{1,20}$/.test(value) && BigInt(value) >= least && BigInt(value) <= most;
  };
  return { expected: `an integer of ${datatype}`, holds };
}

export const WIRE_DATATYPES: Readonly<Record<WireDatatype, Content>> = {
  ...(Object.fromEntries(Object.keys(INTEGER_BITS).map((name) => [name, integer(name as keyof typeof INTEGER_BITS)])) as Record<keyof typeof INTEGER_BITS, Content>),
  ...(Object.fromEntries(FLOATS.map((name) => [name, number])) as Record<(typeof FLOATS)[number], Content>),
  BOOL: { expected: 'true or false', holds: (value) => typeof value === 'boolean' || value === 0 || value === 1 },
  BYTES: { expected: 'text', holds: (value) => typeof value === 'string' },
};

export const isWireDatatype = (datatype: string): datatype is WireDatatype => Object.hasOwn(WIRE_DATATYPES, datatype);
