import { ContractError, type WireMessage } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDeadLetter, REPLAY_GROUP_HEADER, replayOf } from '../dead-letter.js';
import type { BatchHandler, OutgoingMessage, Subscription } from '../port.js';
import { silentLogger } from '../settings.js';
import { numbered, numberOf, range, TOPIC } from '../testing/fixtures.js';
import { BatchRunner } from './batch-runner.js';

const wire = (n: number, headers: WireMessage['headers'] = {}): WireMessage => {
  const { key, value } = numbered(n);
  return {
    topic: TOPIC,
    partition: 1,
    offset: String(n),
    timestampMs: 5,
    key: Buffer.from(key),
    value: Buffer.from(value!),
    headers: { 'content-type': 'application/cloudevents+json', ...headers },
  };
};

function runnerOf(
  handler: BatchHandler<typeof TOPIC>,
  options: Partial<Subscription<typeof TOPIC>> = {},
  sendAll?: (messages: readonly OutgoingMessage[]) => Promise<void>,
) {
  const letters: OutgoingMessage[] = [];
  const producer = { sendAll: sendAll ?? (async (messages: readonly OutgoingMessage[]) => void letters.push(...messages)) };
  const runner = new BatchRunner({ subscription: { topic: TOPIC, group: 'g', handler, ...options }, producer, logger: silentLogger });
  const abort = new AbortController();
  let retries = 0;
  const run = (messages: readonly WireMessage[]) => runner.run(messages, 1, abort.signal, () => (retries += 1));
  const buried = (): number[] => letters.map(({ value }) => Number(JSON.parse(value!.toString()).id));
  return { run, abort, letters, buried, retries: () => retries };
}

describe('BatchRunner', () => {
  it('gives every message either its effect or a dead letter, never both, in order, whichever are poison', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.func(fc.boolean()), async (count, isPoison) => {
        const effects: number[] = [];
        const { run, buried } = runnerOf(async ({ events }) => {
          const numbers = events.map(numberOf);
          if (numbers.some((n) => isPoison(n))) throw new Error('poison');
          effects.push(...numbers);
        });
        expect(await run(range(count).map((n) => wire(n)))).toBe(true);
        expect(effects).toEqual(range(count).filter((n) => !isPoison(n)));
        expect(buried()).toEqual(range(count).filter((n) => isPoison(n)));
      }),
      { numRuns: 50 },
    );
  });

  it('finds one poison among a thousand in about two calls a halving', async () => {
    let calls = 0;
    const { run, buried } = runnerOf(async ({ events }) => {
      calls += 1;
      if (events.some((event) => numberOf(event) === 777)) throw new Error('poison');
    });
    await run(range(1_000).map((n) => wire(n)));
    expect(buried()).toEqual([777]);
    expect(calls).toBeLessThanOrEqual(1 + 2 * 10);
  });

  it('counts a batch as finished only when its dead letters are acknowledged', async () => {
    let refusals = 3;
    const sent: OutgoingMessage[] = [];
    const { run, retries } = runnerOf(
      async () => {
        throw new Error('poison');
      },
      {},
      async (messages) => {
        if (refusals-- > 0) throw new ContractError('unavailable', 'no broker');
        sent.push(...messages);
      },
    );
    expect(await run([wire(1)])).toBe(true);
    expect(sent).toHaveLength(1);
    expect(retries()).toBe(3);
  });

  it('buries what is too large for a dead letter by its place alone, and lets its partition go on', async () => {
    const sent: OutgoingMessage[] = [];
    const { run, retries } = runnerOf(
      async () => {
        throw new Error('poison');
      },
      {},
      async (messages) => {
        if (messages.some(({ value }) => (value?.length ?? 0) > 1_000)) throw new ContractError('message_too_large', 'too large');
        sent.push(...messages);
      },
    );
    const large = { ...wire(2), value: Buffer.alloc(5_000) };
    expect(await run([wire(1), large, wire(3)])).toBe(true);
    expect(retries()).toBe(0);
    const letters = sent.map(({ key, value, headers }) => decodeDeadLetter({ ...wire(0), key: key as Buffer, value: value as Buffer, headers: headers! })!);
    expect(letters.map(({ original, leftOutBytes }) => [original.offset, leftOutBytes])).toEqual([
      ['2', 5_000],
      ['1', undefined],
      ['3', undefined],
    ]);
    expect(() => replayOf(letters[0]!)).toThrow('does not hold its 5000 bytes');
  });

  it('gives up unfinished when it is aborted while the world is down', async () => {
    const { run, abort, letters } = runnerOf(async () => {
      setImmediate(() => abort.abort());
      throw new ContractError('unavailable', 'no database');
    });
    expect(await run(range(10).map((n) => wire(n)))).toBe(false);
    expect(letters).toEqual([]);
  });

  it('takes a refused connection that nobody mapped for an outage, not for poison', async () => {
    let isUp = false;
    const { run, letters } = runnerOf(async () => {
      if (isUp) return;
      isUp = true;
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) });
    });
    expect(await run([wire(1)])).toBe(true);
    expect(letters).toEqual([]);
  });

  it('keeps the code of an error from the closed list in the dead letter', async () => {
    const { run, letters } = runnerOf(async () => {
      throw new ContractError('wrong_shape', 'two rows');
    });
    await run([wire(1, { traceparent: 'x', [REPLAY_GROUP_HEADER]: 'g' })]);
    const [{ key, value, headers }] = letters as [OutgoingMessage];
    expect(decodeDeadLetter({ ...wire(0), key: key as Buffer, value: value as Buffer, headers: headers! })).toMatchObject({
      code: 'wrong_shape',
      reason: 'two rows',
      attempts: 1,
    });
  });

  it('does not call the handler for messages that are not its own', async () => {
    const { run } = runnerOf(async () => {
      throw new Error('must not be called');
    });
    expect(await run([wire(1, { [REPLAY_GROUP_HEADER]: 'another' })])).toBe(true);
  });
});
