/** A feature as it travels: a number, or what JSON numbers cannot say (see contracts `FeatureValue`). */
export type FeatureValue = number | string | boolean | null;

/** Bytes a number; 4 whenever every number survives it, so that what was served is kept bit for bit at half the size. */
export type FeatureDtype = 4 | 8;

export interface PackedFeatures {
  readonly dtype: FeatureDtype;
  /** Little-endian, one number a feature; NaN where `extras` holds the value. */
  readonly bytes: Buffer;
  /** What is not a number, by index: null for missing, text, booleans, "NaN", integers beyond 2^53. */
  readonly extras: Readonly<Record<string, FeatureValue>> | undefined;
}

/** Packs the features as used; `unpackFeatures` gives exactly the same values back. */
export function packFeatures(values: readonly FeatureValue[]): PackedFeatures {
  const dtype: FeatureDtype = values.every((value) => typeof value !== 'number' || Math.fround(value) === value) ? 4 : 8;
  const bytes = Buffer.allocUnsafe(values.length * dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let extras: Record<string, FeatureValue> | undefined;
  values.forEach((value, index) => {
    const number = typeof value === 'number' ? value : Number.NaN;
    if (dtype === 4) view.setFloat32(index * 4, number, true);
    else view.setFloat64(index * 8, number, true);
    if (typeof value !== 'number') (extras ??= {})[index] = value;
  });
  return { dtype, bytes, extras };
}

/** The values as they were packed, in the order of the version's signature. */
export function unpackFeatures({ dtype, bytes, extras }: PackedFeatures): FeatureValue[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / dtype }, (_, index) => {
    const extra = extras?.[index];
    if (extra !== undefined) return extra;
    return dtype === 4 ? view.getFloat32(index * 4, true) : view.getFloat64(index * 8, true);
  });
}
