import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { murmur2 } from './murmur2.js';

describe('the hash of a key', () => {
  it('leads to the partition that kafkajs chooses, for any key and number of partitions', () => {
    const choose = kafkajs.Partitioners.DefaultPartitioner();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.integer({ min: 1, max: 97 }), (bytes, partitions) => {
        const key = Buffer.from(bytes);
        const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
          partitionId,
          leader: 1,
          partitionErrorCode: 0,
          replicas: [],
          isr: [],
        }));
        expect(murmur2(key) % partitions).toBe(choose({ topic: 't', partitionMetadata, message: { key, value: '' } }));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the library’s, but for the highest bit', () => {
    const { murmur2: theirs } = createRequire(import.meta.url)('@platformatic/kafka') as typeof import('@platformatic/kafka');
    for (const key of ['', 'a', 'ab', 'abc', 'abcd', 'ключ', 'entity-17']) expect(murmur2(Buffer.from(key))).toBe(theirs(key) & 0x7fffffff);
  });
});
