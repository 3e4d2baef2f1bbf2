import { ClientBus } from '../client-bus.js';
import { prefixedNames } from '../names.js';
import { MicroBatcher } from '../produce/micro-batcher.js';
import type { BusLogger } from '../settings.js';
import { MemoryAdmin } from './admin.js';
import { MemoryBroker } from './broker.js';
import { MemoryGroupClient } from './group-client.js';
import { MemoryReader } from './reader.js';

/**
 * The port in memory, for unit tests: the same lanes, runner, dead letters and batcher as over Kafka, on logs that vanish with the process.
 * It cannot show what only a broker can: durability, sessions, fencing.
 */
export class MemoryBus extends ClientBus {
  constructor(
    readonly broker: MemoryBroker = new MemoryBroker(),
    logger?: BusLogger,
  ) {
    const batcher = new MicroBatcher({ sendBatch: async (messages) => broker.append(messages) });
    super(
      {
        names: prefixedNames(''),
        producer: Object.assign(batcher, { close: () => batcher.flush() }),
        admin: new MemoryAdmin(broker),
        openMember: (topic, group, listener) => new MemoryGroupClient(broker, topic, group, listener),
        openReader: (options) => new MemoryReader(options, broker),
      },
      logger,
    );
  }
}
