import type { FeatureScalar } from '../windows/definition.js';
import type { PackError, ServedFeature } from './signature.js';

const INTEGER = /^[+-]?\d+$/;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT32 = -(2 ** 31);
const MAX_INT32 = 2 ** 31 - 1;

/** NaN and infinities have no JSON number; these are their names on the wire, in both directions. */
const NOT_FINITE: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: Number.POSITIVE_INFINITY, '-Infinity': Number.NEGATIVE_INFINITY };

const wrongType = ({ name }: ServedFeature, expected: string): PackError => ({ code: 'wrong_type', reason: `“${name}” must be ${expected}` });
const forbidden = ({ name }: ServedFeature, what: string): PackError => ({ code: 'value_forbidden', reason: `“${name}” ${what}` });

/** A float: numbers, booleans as 0 and 1, integers as text, and what is not finite where the feature allows it. */
export function convertNumber(feature: ServedFeature, value: FeatureScalar, round: (value: number) => number): number | PackError {
  const number = readNumber(value);
  if (number === undefined) return wrongType(feature, 'a number');
  // JSON has no infinite numbers, but 1e999 is read as one; meant ones travel as text.
  if (typeof value === 'number' && !Number.isFinite(value)) return forbidden(feature, 'is beyond the range of a number');
  const rounded = round(number);
  if (Number.isFinite(rounded) || (feature.allowNaN === true && !Number.isFinite(number))) return rounded;
  return forbidden(feature, Number.isFinite(number) ? 'is beyond the range of the model’s datatype' : 'must not be NaN or infinite');
}

export function convertInt64(feature: ServedFeature, value: FeatureScalar): bigint | PackError {
  if (typeof value === 'string' && INTEGER.test(value)) {
    const integer = BigInt(value);
    return integer >= MIN_INT64 && integer <= MAX_INT64 ? integer : forbidden(feature, 'is beyond 64 bits');
  }
  const integer = readInteger(feature, value);
  if (typeof integer === 'object') return integer;
  // Beyond 2^53 a JSON number has lost digits already; as text it has not.
  return Number.isSafeInteger(integer) ? BigInt(integer) : forbidden(feature, 'is beyond 2^53 and must be sent as text');
}

export function convertInt32(feature: ServedFeature, value: FeatureScalar): number | PackError {
  const integer = readInteger(feature, value);
  if (typeof integer === 'object') return integer;
  return integer >= MIN_INT32 && integer <= MAX_INT32 ? integer : forbidden(feature, 'is beyond 32 bits');
}

export function convertBoolean(feature: ServedFeature, value: FeatureScalar): number | PackError {
  if (value === true || value === 1) return 1;
  if (value === false || value === 0) return 0;
  return wrongType(feature, 'true or false');
}

export function convertText(feature: ServedFeature, value: FeatureScalar): string | PackError {
  return typeof value === 'string' ? value : wrongType(feature, 'text');
}

/** The number that a wire value stands for; `undefined` if it stands for none. */
export function readNumber(value: FeatureScalar): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  return Object.hasOwn(NOT_FINITE, value) ? NOT_FINITE[value] : INTEGER.test(value) ? Number(value) : undefined;
}

function readInteger(feature: ServedFeature, value: FeatureScalar): number | PackError {
  const number = readNumber(value);
  if (number === undefined) return wrongType(feature, 'an integer');
  if (!Number.isFinite(number)) return forbidden(feature, 'must not be NaN or infinite');
  return Number.isInteger(number) ? number : wrongType(feature, 'an integer');
}

/** A number or bigint as it travels in JSON: what is not finite, and integers beyond 2^53, as text. */
export function toWire(value: number | bigint): number | string {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
