import { ContractError } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Encoded } from './recorder.js';
import { OrderedPublisher } from './ordered-publisher.js';

const numbered = (n: number): Encoded => ({ answers: [], messages: [{ topic: 'prediction.scored.v1', key: 'k', value: `${n}` }] });
const numberOf = ({ messages }: Encoded): number => Number(messages[0]!.value);

/** Brokers that come and go; calls in flight when they go all fail, in their order. */
function brokers(outages: readonly number[]) {
  const published: number[] = [];
  let attempts = 0;
  const publish = async (encoded: Encoded): Promise<void> => {
    await Promise.resolve();
    if (outages.includes(attempts++)) throw new ContractError('unavailable', 'no brokers');
    published.push(numberOf(encoded));
  };
  return { published, publish };
}

describe('answers while the brokers are away', () => {
  it('are published in the order of the calls, each once, whenever the brokers go', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(30)), fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), async (outages, gaps) => {
        // An outage fails everything behind it too, as the producer does.
        const from = Math.min(...outages, 100);
        const { published, publish } = brokers(outages.length === 0 ? [] : Array.from({ length: 12 - Math.min(12, from) + outages.length }, (_, n) => from + n));
        const publisher = new OrderedPublisher(publish, 0);
        const sent: Promise<void>[] = [];
        for (const [n, gap] of gaps.entries()) {
          sent.push(publisher.send(numbered(n), () => true));
          if (gap) await new Promise((resolve) => setImmediate(resolve));
        }
        await Promise.all(sent);
        expect(published).toEqual(gaps.map((_, n) => n));
      }),
      { numRuns: 60 },
    );
  });

  it('are given up when nobody waits for them any more', async () => {
    let isWanted = true;
    const publisher = new OrderedPublisher(() => Promise.reject(new ContractError('unavailable', 'no brokers')), 0);
    const sent = publisher.send(numbered(1), () => isWanted);
    const later = publisher.send(numbered(2), () => isWanted);
    isWanted = false;
    await expect(sent).rejects.toMatchObject({ code: 'unavailable' });
    await expect(later).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('do not wait for one that no patience mends', async () => {
    const publisher = new OrderedPublisher((encoded) => (numberOf(encoded) === 1 ? Promise.reject(new ContractError('message_too_large', 'no')) : Promise.resolve()), 0);
    const [bad, good] = [publisher.send(numbered(1), () => true), publisher.send(numbered(2), () => true)];
    await expect(bad).rejects.toMatchObject({ code: 'message_too_large' });
    await good;
  });
});
