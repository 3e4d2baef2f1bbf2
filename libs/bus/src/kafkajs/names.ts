import type { TopicName } from '@throughline/contracts';

/** Names on the broker and in the code differ by the installation's prefix; only adapters know it. */
export interface Names {
  topic(name: TopicName): string;
  group(name: string): string;
}

export const prefixedNames = (prefix: string): Names => ({ topic: (name) => `${prefix}${name}`, group: (name) => `${prefix}${name}` });
