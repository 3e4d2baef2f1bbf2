import type { FeatureScalar } from '../windows/definition.js';

/** Where a feature's value is looked up when the request does not bring it. */
export interface StoredFeature {
  readonly view: string;
  readonly viewVersion: number;
  readonly feature: string;
  /** Role in the request's entities, such as `origin`. */
  readonly entityRole: string;
  /** Older than this, against the request's event time, counts as missing. */
  readonly maxAgeSeconds?: number | undefined;
}

/** One feature of a served model. */
export interface ServedFeature {
  readonly name: string;
  readonly kind: 'numeric' | 'categorical';
  /** NaN and infinities are accepted only with this. */
  readonly allowNaN?: boolean | undefined;
  readonly default?: FeatureScalar | undefined;
  readonly from?: StoredFeature | undefined;
}

/** What packing needs of a model's signature: its input tensors (-1 is a free dimension) and its features in order. */
export interface ServedSignature {
  readonly inputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }[];
  readonly features: readonly ServedFeature[];
}

export type PackCode = 'feature_missing' | 'wrong_type' | 'wrong_shape' | 'value_forbidden' | 'unknown_input' | 'schema_invalid';

/** Why a row cannot be packed. The reason names the feature, never its value. */
export interface PackError {
  readonly code: PackCode;
  readonly reason: string;
}

export const isPackError = (candidate: object | undefined): candidate is PackError => candidate !== undefined && 'code' in candidate && 'reason' in candidate;
