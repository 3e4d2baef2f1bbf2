import { setTimeout } from 'node:timers/promises';
import { ContractError } from '@throughline/contracts';
import { defaultLibsFolder, repositoryRoot, startKafka } from '@throughline/local-stack';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bus } from './port.js';
import { killHard, startChild } from './testing/child.js';
import { closeTracked, tracked } from './testing/contract-suite.js';
import { committedSum, eventually, numbered, numberOf, range, readAll, sorted, steadyLoad, TOPIC } from './testing/fixtures.js';
import { CLIENTS, kafkaInstallation } from './testing/kafka.js';
import { createBus } from './create-bus.js';

afterEach(closeTracked);

async function effects(bus: Bus): Promise<number[]> {
  return (await readAll(bus, 'outcome.observed.v1')).map(({ value }) => Number(JSON.parse(value!.toString()).id));
}

const effectCount = async (bus: Bus): Promise<number> => (await bus.admin.offsets('outcome.observed.v1')).reduce((sum, { high }) => sum + Number(high), 0);

describe.each(CLIENTS)('the bus over Kafka, when processes and brokers die, by %s', (client) => {
  it('delivers again what a process that was killed in mid-batch had not committed, in order', { timeout: 60_000 }, async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const count = 20_000;
    for (const part of range(20)) await bus.producer.sendAll(range(1_000, part * 1_000).map((n) => numbered(n)));
    const input = { settings, group: 'killed' };
    const first = startChild('echo.child.js', input);
    await eventually(async () => expect(await effectCount(bus)).toBeGreaterThan(2_000));
    await killHard(first);
    const killedAt = await committedSum(bus, 'killed');
    expect(killedAt).toBeLessThan(count);
    const second = startChild('echo.child.js', input);
    try {
      await eventually(async () => expect(await committedSum(bus, 'killed')).toBe(count), 40_000);
    } finally {
      await killHard(second);
    }
    const all = await effects(bus);
    expect(sorted(new Set(all))).toEqual(range(count));
    for (const key of range(10)) {
      const firstTime = [...new Set(all.filter((n) => n % 10 === key))];
      expect(firstTime).toEqual(sorted(firstTime));
    }
  });

  it('loses nothing when one of two members is killed under steady load', { timeout: 60_000 }, async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const input = { settings, group: 'two' };
    const load = steadyLoad(bus);
    const [first, second] = [startChild('echo.child.js', input), startChild('echo.child.js', input)];
    try {
      await eventually(async () => expect(await committedSum(bus, 'two')).toBeGreaterThan(3_000));
      await killHard(first);
      const sent = await load.stop();
      // The session of the one that is gone lasts ten seconds.
      await eventually(async () => expect(await committedSum(bus, 'two')).toBe(sent), 30_000);
      expect(sorted(new Set(await effects(bus)))).toEqual(range(sent));
    } finally {
      await load.stop();
      await killHard(second);
    }
  });

  it('keeps its session through an outage longer than it, loses nothing and keeps the order', { timeout: 60_000 }, async () => {
    const { connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const done: number[] = [];
    const calls: number[] = [];
    // The session lasts ten seconds.
    const upAtMs = Date.now() + 14_000;
    await bus.subscribe({
      topic: TOPIC,
      group: 'outage',
      maxBatchSize: 100,
      handler: async ({ events }) => {
        calls.push(Date.now());
        if (Date.now() < upAtMs) throw new ContractError('unavailable', 'no database');
        done.push(...events.map(numberOf));
      },
    });
    for (const n of range(40)) {
      await bus.producer.sendAll(range(250, n * 250).map((m) => numbered(m, 'one')));
      await setTimeout(100);
    }
    await eventually(async () => expect(await committedSum(bus, 'outage')).toBe(10_000), 30_000);
    expect(done).toEqual(range(10_000));
  });

  it('outlives the death of the broker: what was acknowledged is there, what was sent meanwhile arrives, consumers go on', { timeout: 120_000 }, async () => {
    const home = await mkdtemp(join(tmpdir(), 'throughline-bus-'));
    const libsFolder = defaultLibsFolder(join(repositoryRoot, '.throughline'));
    let kafka = await startKafka({ home, port: 0, controllerPort: 0, libsFolder });
    const port = Number(kafka.brokers.split(':')[1]);
    const bus = tracked(createBus({ KAFKA_CLIENT: client, KAFKA_BROKERS: [kafka.brokers] }));
    try {
      await bus.admin.createTopics();
      const seen: number[] = [];
      await bus.subscribe({ topic: TOPIC, group: 'broker', handler: async ({ events }) => void seen.push(...events.map(numberOf)) });
      const acknowledged: number[] = [];
      const sending = (async () => {
        for (const n of range(300)) {
          await bus.producer.sendAll(range(10, n * 10).map((m) => numbered(m, 'one')));
          acknowledged.push(...range(10, n * 10));
          await setTimeout(5);
        }
      })();
      await eventually(() => expect(seen.length).toBeGreaterThan(500));
      process.kill(kafka.pid, 'SIGKILL');
      await kafka.exited;
      expect(acknowledged.length).toBeLessThan(3_000);
      await setTimeout(3_000);
      kafka = await startKafka({ home, port, controllerPort: 0, libsFolder });
      await sending;
      await eventually(() => expect(sorted(new Set(seen))).toEqual(range(3_000)), 60_000);
      // Duplicates are allowed, a first arrival out of order is not.
      expect([...new Set(seen)]).toEqual(range(3_000));
      await eventually(async () => expect(await lagOf(bus)).toBe(0), 30_000);
      await closeTracked();
    } finally {
      await kafka.stop();
      await rm(home, { recursive: true, force: true });
    }
  });

  it('refuses to send for ever: an outage beyond its patience is unavailable', { timeout: 30_000 }, async () => {
    const bus = tracked(createBus({ KAFKA_CLIENT: client, KAFKA_BROKERS: ['127.0.0.1:1'] }, { sendPatienceMs: 1_000 }));
    await expect(bus.producer.send(numbered(1))).rejects.toMatchObject({ code: 'unavailable' });
    expect(bus.producer.pending).toEqual({ messages: 0, bytes: 0 });
  });
});

async function lagOf(bus: Bus): Promise<number> {
  return (await bus.admin.offsets(TOPIC, 'broker')).reduce((sum, { high, committed }) => sum + Number(high - (committed ?? 0n)), 0);
}
