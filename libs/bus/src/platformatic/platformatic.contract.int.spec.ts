import { describe, vi } from 'vitest';
import { busContract, CONTRACT_TOPICS, endingWith } from '../testing/contract-suite.js';
import { kafkaInstallation } from '../testing/kafka.js';

vi.setConfig({ testTimeout: 120_000 });

// The tests mostly wait, and share nothing but the broker.
describe.concurrent('the bus over Kafka, by @platformatic/kafka', () => {
  busContract(async (test) => {
    const installation = await kafkaInstallation('platformatic', CONTRACT_TOPICS);
    return endingWith(test, () => installation.connect());
  });
});
