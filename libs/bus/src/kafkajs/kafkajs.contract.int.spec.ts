import { afterEach, describe, vi } from 'vitest';
import { busContract, closeTracked, tracked } from '../testing/contract-suite.js';
import { kafkaInstallation } from '../testing/kafka.js';

vi.setConfig({ testTimeout: 40_000 });
afterEach(closeTracked);

describe('the bus over Kafka, by kafkajs', () => {
  busContract(async () => {
    const installation = await kafkaInstallation('kafkajs');
    return { connect: () => tracked(installation.connect()) };
  });
});
