import { hash } from 'node:crypto';
import { ContractError } from '@throughline/contracts';
import { LRUCache } from 'lru-cache';
import type { InferResponse } from '../domain/oip/infer-response.js';

const MAX_ANSWERS = 10_000;
const MAX_ROWS = 200_000;
const REMEMBERED_MS = 10 * 60_000;

interface Remembered {
  readonly fingerprint: string;
  readonly answer: Promise<InferResponse>;
  readonly rows: number;
}

/**
 * Answers by `Idempotency-Key`: a copy of a request gets the same answer without being scored again. What this worker has forgotten, or
 * another worker answered, is scored again under the same prediction ids, and recorded once.
 */
export class AnswerMemory {
  private readonly answers = new LRUCache<string, Remembered>({ max: MAX_ANSWERS, maxSize: MAX_ROWS, ttl: REMEMBERED_MS, sizeCalculation: ({ rows }) => Math.max(1, rows) });

  /** @throws ContractError `conflict` when the key came with another request before. */
  async once(scope: string, key: string, body: object, rows: number, answer: () => Promise<InferResponse>): Promise<InferResponse> {
    const fingerprint = fingerprintOf(body);
    const name = `${scope}\n${key}`;
    const known = this.answers.get(name);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw new ContractError('conflict', 'the Idempotency-Key came with another request before', { cure: 'Use a new key for a new request.' });
      return known.answer;
    }
    const answered = answer();
    this.answers.set(name, { fingerprint, answer: answered, rows });
    // A failure is no answer: the same key may try again.
    answered.catch(() => this.answers.delete(name));
    return answered;
  }
}

function fingerprintOf(body: object): string {
  try {
    return hash('sha256', JSON.stringify(body));
  } catch (cause) {
    // What JSON.parse reads without recursion, JSON.stringify cannot always write.
    if (cause instanceof RangeError) throw new ContractError('invalid_request', 'the request is nested too deeply to be told apart from others', { cure: 'Send it without the Idempotency-Key, or less deeply nested.' });
    throw cause;
  }
}
