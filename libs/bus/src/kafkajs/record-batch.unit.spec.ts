import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecordBatch, type BatchFields, type Encoded, type ProducedRecord } from './record-batch.js';

const require = createRequire(import.meta.url);
const theirRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: ProducedRecord) => never;
const { RecordBatch: theirBatch } = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch: (fields: BatchFields) => Promise<Encoded> };

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const content = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), bytes);
const record: fc.Arbitrary<ProducedRecord> = fc.record({
  offsetDelta: fc.nat(100_000), timestampDelta: fc.nat(2 ** 31 - 1), key: fc.option(content), value: fc.option(content),
  headers: fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.oneof(content, fc.array(content, { minLength: 1, maxLength: 3 })), { maxKeys: 4 }),
});

describe('a record batch in one buffer', () => {
  it('is byte for byte what kafkajs writes', async () => {
    const fields = fc.record({ firstTimestamp: fc.nat(4e12), maxTimestamp: fc.nat(4e12), lastOffsetDelta: fc.nat(1000), producerEpoch: fc.nat(100), firstSequence: fc.nat(1000), transactional: fc.boolean(), records: fc.array(record, { maxLength: 20 }) });
    await fc.assert(
      fc.asyncProperty(fields, async (batch) => {
        const theirs = await theirBatch({ ...batch, records: batch.records.map(theirRecord) });
        const ours = encodeRecordBatch(batch);
        expect(ours.buffer.equals(theirs.buffer)).toBe(true);
        expect(ours.size()).toBe(theirs.size());
      }),
    );
  });

  it('carries values beyond the sizes that need another byte of length', async () => {
    for (const length of [63, 64, 8191, 8192, 1_048_575, 1_048_576]) {
      const records = [{ key: 'k', value: Buffer.alloc(length, 'x'), headers: {} }];
      expect(encodeRecordBatch({ records }).buffer.equals((await theirBatch({ firstTimestamp: 0, maxTimestamp: 0, records: records.map(theirRecord) })).buffer)).toBe(true);
    }
  });
});
