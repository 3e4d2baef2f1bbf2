import { afterEach, describe } from 'vitest';
import { busContract, closeTracked, tracked } from '../testing/contract-suite.js';
import { MemoryBroker } from './broker.js';
import { MemoryBus } from './bus.js';

afterEach(closeTracked);

describe('the bus in memory', () => {
  busContract(async () => {
    const broker = new MemoryBroker();
    return { connect: () => tracked(new MemoryBus(broker)) };
  });
});
