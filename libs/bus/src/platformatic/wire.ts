import type { WireMessage } from '@throughline/contracts';
import type { RecordsBatch } from '@platformatic/kafka';
import type { AnyTopic } from '../topics.js';
import type { FetchResponsePartition } from './client.js';

const NO_HEADERS: WireMessage['headers'] = Object.freeze({});
/** Bits of a record batch's attributes, as in KIP-98. */
const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
/** Type of the control record that ends an aborted transaction. */
const ABORT = 0;

/** What a fetch brought of a partition. */
export interface Fetched {
  readonly messages: readonly WireMessage[];
  /** The offset to fetch next; beyond the last message when compaction or transactions left nothing there. */
  readonly next: number;
}

/**
 * The messages of a fetched partition from `from` on, under the topic's name without prefix. A batch may begin before what was asked for, and
 * may hold what no reader sees: control records, and the messages of transactions that were aborted.
 */
export function messagesOf(topic: AnyTopic, partition: FetchResponsePartition, from: number): Fetched {
  const messages: WireMessage[] = [];
  const isAborted = abortedTransactions(partition);
  let next = from;
  for (const batch of partition.records ?? []) {
    if (!isAborted(batch)) addMessages(messages, topic, partition.partitionIndex, batch, from);
    next = Math.max(next, Number(batch.firstOffset) + batch.lastOffsetDelta + 1);
  }
  return { messages, next };
}

function addMessages(messages: WireMessage[], topic: AnyTopic, partition: number, batch: RecordsBatch, from: number): void {
  const firstOffset = Number(batch.firstOffset);
  // With LogAppendTime the broker stamps the batch and leaves its records' own times as they are.
  const appendedMs = (batch.attributes & LOG_APPEND_TIME) === 0 ? undefined : Number(batch.maxTimestamp);
  const firstMs = Number(batch.firstTimestamp);
  for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
    const offset = firstOffset + offsetDelta;
    if (offset < from) continue;
    messages.push({
      topic,
      partition,
      offset: String(offset),
      timestampMs: appendedMs ?? firstMs + Number(timestampDelta),
      key: key ?? null,
      value: value ?? null,
      headers: headers.length === 0 ? NO_HEADERS : single(headers),
    });
  }
}

/** A header may occur several times; the last one counts, as for most readers. One without a value is taken for absent. */
function single(entries: RecordsBatch['records'][number]['headers']): WireMessage['headers'] {
  const headers: Record<string, Buffer> = {};
  for (const [name, value] of entries) {
    const text = name?.toString() ?? '';
    if (value === null) delete headers[text];
    else headers[text] = value;
  }
  return headers;
}

/**
 * Whether nobody may see the batches, asked in their order. The broker lists the transactions that were aborted and where they begin; each ends
 * with its control record, after KIP-98.
 */
function abortedTransactions({ abortedTransactions: aborted }: FetchResponsePartition): (batch: RecordsBatch) => boolean {
  const waiting = [...(aborted ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const open = new Set<bigint>();
  return ({ attributes, producerId, firstOffset, lastOffsetDelta, records }) => {
    if ((attributes & CONTROL) !== 0) {
      if (records[0]?.key?.readInt16BE(2) === ABORT) open.delete(producerId);
      return true;
    }
    if ((attributes & TRANSACTIONAL) === 0) return false;
    while (waiting[0] !== undefined && waiting[0].firstOffset <= firstOffset + BigInt(lastOffsetDelta)) open.add(waiting.shift()!.producerId);
    return open.has(producerId);
  };
}
