import { afterEach, describe, vi } from 'vitest';
import { busContract, closeTracked, tracked } from '../testing/contract-suite.js';
import { MemoryBroker } from './broker.js';
import { MemoryBus } from './bus.js';

vi.setConfig({ testTimeout: 20_000 });
afterEach(closeTracked);

describe('the bus in memory', () => {
  busContract(async () => {
    const broker = new MemoryBroker();
    return { connect: () => tracked(new MemoryBus(broker)) };
  });
});
