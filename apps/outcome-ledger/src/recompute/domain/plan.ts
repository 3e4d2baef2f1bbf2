import type { ModelSignature } from '@throughline/contracts';
import type { FeatureValue } from '../../domain/features-codec.js';

/** What the ledger has of an answer that is to be computed again. */
export interface AnswerOnRecord {
  readonly state: string;
  readonly fallbackKind: string | null;
  /** Whether some of its values were hashed or left out before they were written. */
  readonly isWithheld: boolean;
  readonly erasedAt: Date | null;
  /** As used, in the order of the signature; `null` when they are kept no longer. */
  readonly features: readonly FeatureValue[] | null;
  readonly outputs: Readonly<Record<string, unknown>> | null;
  readonly artifactSha256: string | undefined;
  readonly signature: ModelSignature | undefined;
}

/** What it takes to compute an answer again. */
export interface Computable {
  readonly values: readonly (number | string | boolean)[];
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly artifactSha256: string;
}

/** Why an answer cannot be computed again. */
export interface Incomputable {
  readonly status: 'withheld' | 'erased' | 'expired' | 'not_computed' | 'rejected';
  readonly explanation: string;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** What there is to compute again, or why there is nothing. */
export function planRecomputation(answer: AnswerOnRecord): Computable | Incomputable {
  const { state, fallbackKind, erasedAt, features, outputs, artifactSha256 } = answer;
  if (state === 'rejected') return { status: 'rejected', explanation: 'the request was rejected: no model has answered it' };
  if (fallbackKind === 'constant') return { status: 'not_computed', explanation: 'the deployment’s constant answered: nothing was computed' };
  if (fallbackKind === 'last_known_good') return { status: 'not_computed', explanation: 'an earlier answer for the same routing key was repeated: nothing was computed from this request' };
  if (erasedAt !== null) return { status: 'erased', explanation: `its values were erased at ${erasedAt.toISOString()}` };
  if (features === null || outputs === null) return { status: 'expired', explanation: 'its features are kept no longer' };
  const values = features.filter((value) => value !== null);
  // A complete row has no gaps: where a value is missing a policy has left it out.
  if (values.length < features.length || features.length === 0 || Object.keys(outputs).length === 0) return { status: 'withheld', explanation: 'the model’s privacy policy has left values out of what was written down' };
  if (artifactSha256 === undefined || !SHA256.test(artifactSha256)) return { status: 'not_computed', explanation: 'the answer names no artifact' };
  return { values, outputs, artifactSha256 };
}

export const isComputable = (plan: Computable | Incomputable): plan is Computable => !('status' in plan);
