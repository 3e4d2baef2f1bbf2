import type { Bus } from '../port.js';
import { accountContract } from './contract-account.js';
import { deadLetterContract } from './contract-dead-letters.js';
import { deliveryContract } from './contract-delivery.js';
import { followContract } from './contract-follow.js';
import { groupContract } from './contract-groups.js';
import { ownTopicsContract } from './contract-own-topics.js';

/** One installation: buses of one `open` share its topics, those of two share nothing. */
export interface BusUnderTest {
  /** One more process, so to speak. */
  connect(): Bus;
}

/** What every adapter of the port guarantees, whatever is beneath it. */
export function busContract(open: () => Promise<BusUnderTest>): void {
  deliveryContract(open);
  deadLetterContract(open);
  groupContract(open);
  followContract(open);
  ownTopicsContract(open);
  accountContract(open);
}

const opened: Bus[] = [];

/** Registers a bus to be closed after the test. */
export function tracked(bus: Bus): Bus {
  opened.push(bus);
  return bus;
}

export async function closeTracked(): Promise<void> {
  await Promise.all(opened.splice(0).map((bus) => bus.close()));
}
