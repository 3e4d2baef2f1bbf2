import { createRequire } from 'node:module';
import type { WireMessage } from '@throughline/contracts';
import { expect, it } from 'vitest';
import { LaneGroup } from '../consume/lane-group.js';
import { kafkajs } from './library.js';
import { joinHooks } from './waiting-join.js';

const message = (offset: number): WireMessage => ({ topic: 't', partition: 0, offset: String(offset), timestampMs: 0, key: null, value: null, headers: {} });

/** kafkajs's own member of a group, whose coordinator cannot be reached; `onJoin` runs where it would be looked for. */
function memberOf(assigner: object, onJoin: () => void): { joinAndSync(): Promise<void> } {
  const ConsumerGroup = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as new (options: object) => { joinAndSync(): Promise<void> };
  const findGroupCoordinator = async (): Promise<never> => {
    onJoin();
    throw new kafkajs.KafkaJSConnectionError('gone');
  };
  return new ConsumerGroup({ assigners: [assigner], cluster: { findGroupCoordinator }, logger: { namespace: () => ({}) }, retry: { initialRetryTime: 1 } });
}

it('holds the lanes while the group is joined anew, lets them go on when that fails, and holds them at the next join again', async () => {
  const handled: number[] = [];
  const lanes = new LaneGroup({
    subscription: { topic: 'feature.observed.v1', group: 'g' },
    run: async (messages) => {
      handled.push(...messages.map(({ offset }) => Number(offset)));
      return true;
    },
    onProgress: () => {},
  });
  lanes.assign([0]);
  const handledAtJoin: number[][] = [];
  const assigner = kafkajs.PartitionAssigners.roundRobin({ cluster: {} as never, groupId: 'g', logger: {} as never });
  joinHooks.set(assigner, { beforeRejoin: () => lanes.settle(1_000), onRejoinFailed: () => lanes.release() });
  const member = memberOf(assigner, () => {
    const offset = handledAtJoin.length;
    lanes.get(0)!.push([message(offset)], offset + 1);
    handledAtJoin.push([...handled]);
  });
  await expect(member.joinAndSync()).rejects.toThrow('gone');
  expect(handled).toEqual([0]);
  await expect(member.joinAndSync()).rejects.toThrow('gone');
  expect(handled).toEqual([0, 1]);
  expect(handledAtJoin).toEqual([[], [0]]);
  await lanes.drain(1_000);
});
