import type { TestContext } from 'vitest';
import type { Bus } from '../port.js';
import { accountContract } from './contract-account.js';
import { deadLetterContract } from './contract-dead-letters.js';
import { deliveryContract } from './contract-delivery.js';
import { followContract } from './contract-follow.js';
import { groupContract } from './contract-groups.js';
import { ownTopicsContract } from './contract-own-topics.js';
import { COMPACTED, TOPIC } from './fixtures.js';

/** One installation: buses of one `open` share its topics, those of two share nothing. */
export interface BusUnderTest {
  /** One more process, so to speak. */
  connect(): Bus;
}

/** An installation for one test, which several run at a time: it ends with that test. */
export type OpenBus = (test: Pick<TestContext, 'onTestFinished'>) => Promise<BusUnderTest>;

/** What the contract's tests speak of. */
export const CONTRACT_TOPICS = [TOPIC, COMPACTED, 'alert.raised.v1', 'dead-letter.v1'] as const;

/** What every adapter of the port guarantees, whatever is beneath it. */
export function busContract(open: OpenBus): void {
  deliveryContract(open);
  deadLetterContract(open);
  groupContract(open);
  followContract(open);
  ownTopicsContract(open);
  accountContract(open);
}

/** An installation whose buses are closed when the test has ended. */
export const endingWith = ({ onTestFinished }: Parameters<OpenBus>[0], connect: () => Bus): BusUnderTest => ({
  connect: () => {
    const bus = connect();
    onTestFinished(() => bus.close());
    return bus;
  },
});

const opened: Bus[] = [];

/** Registers a bus to be closed after the test. */
export function tracked(bus: Bus): Bus {
  opened.push(bus);
  return bus;
}

export async function closeTracked(): Promise<void> {
  await Promise.all(opened.splice(0).map((bus) => bus.close()));
}
