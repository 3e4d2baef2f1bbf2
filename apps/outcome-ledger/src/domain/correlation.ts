import type { OutcomeObserved } from '@throughline/contracts';
import { v5 as uuidv5 } from 'uuid';
import { instant } from './prediction.js';

/** Namespace of correlation ids; private to the ledger. */
const CORRELATION_NAMESPACE = '3d7a1c9e-5b0f-5e64-8a37-90c2f1d4be18';

/**
 * An outcome that names its prediction by an entity and a window of event time. Its id stands in for the prediction's until that is
 * found, and what was found holds for every later outcome under the same key and source, so that a correction meets what it corrects.
 */
export interface Correlation {
  readonly correlationId: string;
  readonly model: string;
  readonly entityRole: string;
  readonly entityId: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export function correlationOf(key: NonNullable<OutcomeObserved['correlationKey']>, source: string): Correlation {
  const fromMs = instant(key.from, 'correlationKey.from');
  const toMs = instant(key.to, 'correlationKey.to');
  const { model, entityRole, entityId } = key;
  return { correlationId: uuidv5(JSON.stringify([model, entityRole, entityId, fromMs, toMs, source]), CORRELATION_NAMESPACE), model, entityRole, entityId, fromMs, toMs };
}

const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 3_600_000;

/** How long to wait before looking for its prediction again: doubles from two seconds to an hour, and never ends. */
export const retryDelayMs = (attempts: number): number => Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts, 30), LAST_RETRY_MS);
