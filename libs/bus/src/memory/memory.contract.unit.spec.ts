import { describe, vi } from 'vitest';
import { busContract, endingWith } from '../testing/contract-suite.js';
import { MemoryBroker } from './broker.js';
import { MemoryBus } from './bus.js';

vi.setConfig({ testTimeout: 60_000 });

// The tests mostly wait, and share nothing.
describe.concurrent('the bus in memory', () => {
  busContract(async (test) => {
    const broker = new MemoryBroker();
    return endingWith(test, () => new MemoryBus(broker));
  });
});
