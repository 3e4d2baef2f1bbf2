import type { RecordsBatch } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import type { FetchResponsePartition } from './client.js';
import { messagesOf } from './wire.js';

const TOPIC = 'alert.raised.v1';
const LOG_APPEND_TIME = 8;
const TRANSACTIONAL = 16;
const CONTROL = 32;

type Fields = Partial<Pick<RecordsBatch, 'attributes' | 'producerId' | 'lastOffsetDelta'>>;

/** A batch with these records; offsets and times count from its first. */
function batch(firstOffset: number, records: Partial<RecordsBatch['records'][number]>[], fields: Fields = {}): RecordsBatch {
  return {
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: records.length - 1,
    attributes: 0,
    firstTimestamp: 1_000n,
    maxTimestamp: 9_000n,
    producerId: -1n,
    records: records.map((record, offsetDelta) => ({
      offsetDelta,
      timestampDelta: BigInt(offsetDelta),
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      headers: [],
      ...record,
    })),
    ...fields,
  } as unknown as RecordsBatch;
}

const partition = (records: RecordsBatch[], abortedTransactions: FetchResponsePartition['abortedTransactions'] = []): FetchResponsePartition =>
  ({ partitionIndex: 2, records, abortedTransactions }) as unknown as FetchResponsePartition;
const endOfTransaction = (offset: number, producerId: bigint, type: 0 | 1): RecordsBatch =>
  batch(offset, [{ key: Buffer.from([0, 0, 0, type]) }], { attributes: CONTROL | TRANSACTIONAL, producerId });
const offsetsOf = (fetched: FetchResponsePartition, from = 0): number[] => messagesOf(TOPIC, fetched, from).messages.map(({ offset }) => Number(offset));

describe('what a fetch brought', () => {
  it('carries the broker’s time where the broker stamps, else the producer’s', () => {
    const timesOf = (attributes: number): number[] =>
      messagesOf(TOPIC, partition([batch(0, [{}, {}], { attributes })]), 0).messages.map(({ timestampMs }) => timestampMs);
    expect(timesOf(LOG_APPEND_TIME)).toEqual([9_000, 9_000]);
    expect(timesOf(0)).toEqual([1_000, 1_001]);
  });

  it('begins where it was asked to, though the batch begins before', () => {
    expect(offsetsOf(partition([batch(10, [{}, {}, {}])]), 11)).toEqual([11, 12]);
  });

  it('goes on behind what compaction has left empty', () => {
    const emptied = { ...batch(10, []), lastOffsetDelta: 6 };
    expect(messagesOf(TOPIC, partition([emptied]), 10)).toEqual({ messages: [], next: 17 });
    expect(messagesOf(TOPIC, partition([]), 10)).toEqual({ messages: [], next: 10 });
  });

  it('takes a null key and value for null, a header without a value for absent, and the last of several', () => {
    const headers = [
      ['a', '1'],
      ['a', '2'],
      ['b', null],
    ].map(([name, value]) => [Buffer.from(name!), value === null ? null : Buffer.from(value!)] as [Buffer, Buffer]);
    const [message] = messagesOf(TOPIC, partition([batch(5, [{ key: null, value: null, headers }])]), 5).messages as [object];
    expect(message).toMatchObject({ topic: TOPIC, partition: 2, offset: '5', key: null, value: null, headers: { a: Buffer.from('2') } });
    expect(message).not.toHaveProperty('headers.b');
  });

  it('leaves out control records and the messages of aborted transactions, also when the transaction ends beyond the fetch', () => {
    const transactional = (producerId: bigint): Fields => ({ attributes: TRANSACTIONAL, producerId });
    const fetched = partition(
      [
        batch(0, [{}, {}], transactional(7n)),
        batch(2, [{}], transactional(8n)),
        endOfTransaction(3, 7n, 0),
        batch(4, [{}], transactional(7n)),
        endOfTransaction(5, 7n, 1),
        batch(6, [{}]),
        batch(7, [{}], transactional(9n)),
      ],
      [
        { producerId: 7n, firstOffset: 0n },
        { producerId: 9n, firstOffset: 7n },
      ],
    );
    expect(offsetsOf(fetched)).toEqual([2, 4, 6]);
    expect(messagesOf(TOPIC, fetched, 0).next).toBe(8);
  });
});
