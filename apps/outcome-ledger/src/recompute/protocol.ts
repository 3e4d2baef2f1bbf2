import type { ErrorCode, ModelSignature } from '@throughline/contracts';
import type { OutputValuesOfRow } from './domain/compare.js';

/** One row to be computed by one artifact. */
export interface RunCall {
  /** File with the artifact's bytes. */
  readonly path: string;
  readonly sha256: string;
  readonly signature: ModelSignature;
  /** In the order of the signature's features, complete. */
  readonly values: readonly (number | string | boolean)[];
}

export interface RunResult {
  readonly outputs: readonly OutputValuesOfRow[];
  /** What has computed them: runtime, its version, threads and CPU. */
  readonly runtime: string;
  readonly computeMs: number;
}

export type Reply = { readonly result: RunResult } | { readonly error: { readonly code: ErrorCode; readonly reason: string; readonly cure: string } };
