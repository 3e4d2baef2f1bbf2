import { LRUCache } from 'lru-cache';
import type { OutputColumn, Scored, ServedModel } from '../domain/answer.js';

/** A good answer, without the batch that it was part of. */
export interface RememberedAnswer {
  /** A batch of this one row. */
  readonly outputs: readonly OutputColumn[];
  readonly served: ServedModel;
  /** Processing time, epoch milliseconds. */
  readonly answeredAtMs: number;
}

/** Of an entry, and of each of its outputs beside the values; measured as 190 with a short key, and 280 to 430 (Node 24). */
const ENTRY_BYTES = 192;
const COLUMN_BYTES = 384;

/** The last good answer by model and routing key; the least recently used leave when there are too many, or too many bytes of them. */
export class RememberedAnswers {
  private readonly answers: LRUCache<string, RememberedAnswer>;
  private readonly detached = new WeakMap<ServedModel, ServedModel>();

  constructor(limits: { readonly maxAnswers: number; readonly maxBytes: number }) {
    this.answers = new LRUCache({ max: limits.maxAnswers, maxSize: limits.maxBytes, sizeCalculation: sizeBytes });
  }

  get size(): number {
    return this.answers.size;
  }

  get sizeBytes(): number {
    return this.answers.calculatedSize;
  }

  get(model: string, routingKey: string): RememberedAnswer | undefined {
    return this.answers.get(keyOf(model, routingKey));
  }

  set(model: string, routingKey: string, { served, outputs, outputRow, answeredAtMs }: Pick<Scored, 'served' | 'outputs' | 'outputRow' | 'answeredAtMs'>): void {
    const key = keyOf(model, routingKey);
    const known = this.answers.peek(key);
    if (known !== undefined && known.answeredAtMs > answeredAtMs) return;
    this.answers.set(key, { outputs: outputs.map((output) => rowAlone(output, outputRow)), served: this.withoutMemory(served), answeredAtMs });
  }

  /** What an answer says of its version: a remembered one must not keep a model in memory. */
  private withoutMemory(version: ServedModel): ServedModel {
    const known = this.detached.get(version);
    if (known !== undefined) return known;
    const { model, version: name, artifactSha256, signature, plan, lookups, runtime } = version;
    const served: ServedModel = { model, version: name, artifactSha256, signature, plan, lookups, runtime };
    this.detached.set(version, served);
    return served;
  }
}

const keyOf = (model: string, routingKey: string): string => `${model}\n${routingKey}`;

/** A copy: a view would keep the whole batch in memory. */
function rowAlone({ name, datatype, data, rowWidth }: OutputColumn, row: number): OutputColumn {
  return { name, datatype, rowWidth, data: data.slice(row * rowWidth, (row + 1) * rowWidth) };
}

function sizeBytes({ outputs }: RememberedAnswer, key: string): number {
  let bytes = ENTRY_BYTES + 2 * key.length;
  for (const { data } of outputs) bytes += COLUMN_BYTES + ('byteLength' in data ? data.byteLength : data.reduce((sum, text) => sum + 16 + 2 * text.length, 0));
  return bytes;
}
