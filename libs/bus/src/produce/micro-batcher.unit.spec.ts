import { ContractError } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../port.js';
import { MicroBatcher, sizeBytes, type MicroBatcherOptions } from './micro-batcher.js';

const message = (n: number, sizeBytes_ = 10): OutgoingMessage => ({ topic: 'alert.raised.v1', key: String(n), value: 'x'.repeat(sizeBytes_) });
const keys = (messages: readonly OutgoingMessage[]): number[] => messages.map(({ key }) => Number(key));

/** A batcher whose sends end when the test says so. */
function batcherOf(options: Partial<MicroBatcherOptions> = {}) {
  const sends: { messages: readonly OutgoingMessage[]; acknowledge: () => Promise<void>; fail: (error: Error) => Promise<void> }[] = [];
  const turn = (): Promise<void> => new Promise((next) => setImmediate(next));
  const batcher = new MicroBatcher({
    sendBatch: (messages) =>
      new Promise((resolve, reject) => {
        const acknowledge = async (): Promise<void> => (resolve(), turn());
        const fail = async (error: Error): Promise<void> => (reject(error), turn());
        sends.push({ messages: [...messages], acknowledge, fail });
      }),
    ...options,
  });
  return { batcher, sends };
}

describe('MicroBatcher', () => {
  it('sends at once when idle; what gathers while one is in flight is the next batch', async () => {
    const { batcher, sends } = batcherOf();
    for (const n of [1, 2, 3, 4]) void batcher.send(message(n));
    expect(sends.map(({ messages }) => keys(messages))).toEqual([[1]]);
    await sends[0]!.acknowledge();
    expect(keys(sends[1]!.messages)).toEqual([2, 3, 4]);
  });

  it('resolves a call when its last message is acknowledged, not before', async () => {
    const { batcher, sends } = batcherOf({ maxBatchMessages: 2 });
    let isDone = false;
    const call = batcher.sendAll([1, 2, 3].map((n) => message(n))).then(() => {
      isDone = true;
    });
    await sends[0]!.acknowledge();
    expect(isDone).toBe(false);
    await sends[1]!.acknowledge();
    await call;
    expect(isDone).toBe(true);
  });

  it('keeps order, sends each message once, and stays within count and bytes, whatever is sent', async () => {
    const calls = fc.array(fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 30 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(calls, async (sizes) => {
        const batches: (readonly OutgoingMessage[])[] = [];
        let inFlight = 0;
        const batcher = new MicroBatcher({
          maxBatchMessages: 20,
          maxBatchBytes: 4_000,
          maxPendingMessages: 50,
          maxPendingBytes: 10_000,
          sendBatch: async (messages) => {
            expect((inFlight += 1)).toBe(1);
            expect(batcher.pending.messages).toBeLessThanOrEqual(50 + 30);
            batches.push([...messages]);
            await new Promise((next) => setImmediate(next));
            inFlight -= 1;
          },
        });
        let next = 0;
        await Promise.all(sizes.map((call) => batcher.sendAll(call.map((size) => message(next++, size)))));
        expect(keys(batches.flat())).toEqual(Array.from({ length: next }, (_, n) => n));
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(20);
          expect(batch.reduce((sum, one) => sum + sizeBytes(one), 0)).toBeLessThanOrEqual(4_000);
        }
        expect(batcher.pending).toEqual({ messages: 0, bytes: 0 });
      }),
      { numRuns: 50 },
    );
  });

  it('lets callers wait beyond its bound', async () => {
    const { batcher, sends } = batcherOf({ maxPendingMessages: 3 });
    for (const n of [1, 2, 3, 4, 5]) void batcher.send(message(n));
    expect(batcher.pending.messages).toBe(3);
    await sends[0]!.acknowledge();
    expect(keys(sends[1]!.messages)).toEqual([2, 3, 4]);
    expect(batcher.pending.messages).toBe(3);
    await sends[1]!.acknowledge();
    expect(keys(sends[2]!.messages)).toEqual([5]);
  });

  it('fails what waited behind a failed batch, so that nothing overtakes what is sent again', async () => {
    const { batcher, sends } = batcherOf();
    const results = [1, 2, 3].map((n) =>
      batcher.send(message(n)).then(
        () => 'sent',
        (error: Error) => error.message,
      ),
    );
    await sends[0]!.fail(new Error('no broker'));
    expect(await Promise.all(results)).toEqual(['no broker', 'no broker', 'no broker']);
    expect(batcher.pending).toEqual({ messages: 0, bytes: 0 });
    void batcher.send(message(4));
    expect(keys(sends[1]!.messages)).toEqual([4]);
  });

  it('refuses a message that no broker takes, and nothing else with it', async () => {
    const { batcher, sends } = batcherOf({ maxMessageBytes: 1_000 });
    await expect(batcher.sendAll([message(1), message(2, 2_000)])).rejects.toMatchObject({
      code: 'message_too_large',
      message: expect.stringContaining('alert.raised.v1 has 2'),
    });
    expect(sends).toEqual([]);
    void batcher.send(message(3));
    expect(keys(sends[0]!.messages)).toEqual([3]);
  });

  it('fails also those that wait beyond its bound: they must not overtake either', async () => {
    const { batcher, sends } = batcherOf({ maxPendingMessages: 1 });
    const results = [1, 2, 3].map((n) => batcher.send(message(n)).catch((error: Error) => error.message));
    await sends[0]!.fail(new Error('no broker'));
    expect(await Promise.all(results)).toEqual(['no broker', 'no broker', 'no broker']);
    expect(sends).toHaveLength(1);
    await batcher.flush();
  });

  it('refuses only what a broker does not take, whatever travels with it, and keeps the order of the rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.boolean(), { maxLength: 8 }), { minLength: 1, maxLength: 12 }), async (calls) => {
        const taken: number[] = [];
        const batcher = new MicroBatcher({
          sendBatch: async (messages) => {
            await new Promise((next) => setImmediate(next));
            if (messages.some(({ value }) => value!.length > 100)) throw new ContractError('message_too_large', 'more than the broker takes');
            taken.push(...keys(messages));
          },
        });
        let next = 0;
        const small: number[] = [];
        const outcomes = calls.map((sizes) => {
          const messages = sizes.map((isLarge) => {
            if (!isLarge) small.push(next);
            return message(next++, isLarge ? 200 : 10);
          });
          return batcher.sendAll(messages).then(
            () => 'sent',
            (error: ContractError) => error.code,
          );
        });
        expect(await Promise.all(outcomes)).toEqual(calls.map((sizes) => (sizes.includes(true) ? 'message_too_large' : 'sent')));
        expect(taken).toEqual(small);
        expect(batcher.pending).toEqual({ messages: 0, bytes: 0 });
      }),
      { numRuns: 50 },
    );
  });

  it('sends a message larger than a batch alone', async () => {
    const { batcher, sends } = batcherOf({ maxBatchBytes: 500 });
    void batcher.send(message(1));
    void batcher.sendAll([message(2, 800), message(3)]);
    await sends[0]!.acknowledge();
    expect(keys(sends[1]!.messages)).toEqual([2]);
    await sends[1]!.acknowledge();
    expect(keys(sends[2]!.messages)).toEqual([3]);
  });

  it('is flushed when everything is acknowledged', async () => {
    const { batcher, sends } = batcherOf();
    let isFlushed = false;
    await batcher.flush();
    void batcher.send(message(1));
    void batcher.flush().then(() => {
      isFlushed = true;
    });
    await Promise.resolve();
    expect(isFlushed).toBe(false);
    await sends[0]!.acknowledge();
    expect(isFlushed).toBe(true);
  });
});
