import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupByPartition } from './grouping.js';

const theirs = createRequire(import.meta.url)('kafkajs/src/producer/groupMessagesPerPartition') as typeof groupByPartition;

describe('grouping by partition', () => {
  it('does what kafkajs does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.nat(5), (messages, partitions) => {
        const grouping = {
          topic: 't',
          partitionMetadata: Array.from({ length: partitions }),
          messages,
          partitioner: ({ message }: { message: number }) => message % partitions,
        };
        expect(groupByPartition(grouping)).toEqual(theirs(grouping));
      }),
    );
  });
});
