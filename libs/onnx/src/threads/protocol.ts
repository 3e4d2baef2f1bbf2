import type { ErrorCode } from '@throughline/contracts';
import type { InputColumns } from '../feeds.js';
import type { RunResult } from '../session.js';
import type { GraphSignature } from '../signature.js';

/** What loading has shown, without the time that other threads held the cores. */
export interface LoadReport {
  readonly signature: GraphSignature;
  /** Creating the session: this long a thread does nothing else. */
  readonly loadMs: number;
  /** One run of the largest batch it was warmed up at. */
  readonly batchMs: number;
}

/** What a model is warmed up with. */
export interface WarmUp {
  /** Rows; the largest batch is measured. */
  readonly batchSizes: readonly number[];
  /** Columns of the input matrix, where the graph leaves them open. */
  readonly inputWidth?: number | undefined;
}

export interface LoadCall {
  readonly kind: 'load';
  readonly bytes: Uint8Array;
  readonly intraOpNumThreads: number;
  readonly warmUp: WarmUp;
}

export interface RunCall {
  readonly kind: 'run';
  readonly columns: InputColumns;
  readonly rowCount: number;
}

export interface UnloadCall {
  readonly kind: 'unload';
}

export type Call = LoadCall | RunCall | UnloadCall;
export type CallMessage = Call & { readonly callId: number };

export type ReplyMessage =
  | { readonly callId: number; readonly result: LoadReport | RunResult | undefined }
  | { readonly callId: number; readonly error: { readonly code: ErrorCode; readonly reason: string; readonly cure: string } };

/** Asks the thread to end, instead of a call. */
export const END = 'end';
