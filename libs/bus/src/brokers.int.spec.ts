import { execFile, execFileSync } from 'node:child_process';
import { TOPIC_NAMES, TOPICS } from '@throughline/contracts';
import kafkajs, { type Kafka, type PartitionAssigner } from 'kafkajs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createBus } from './create-bus.js';
import { decodeDeadLetter } from './dead-letter.js';
import type { Bus, EventBatch } from './port.js';
import { closeTracked, tracked } from './testing/contract-suite.js';
import { COMPACTED, committedSum, eventually, numbered, numberOf, range, readAll, sorted, steadyLoad, TOPIC } from './testing/fixtures.js';
import { CLIENTS, kafkaInstallation } from './testing/kafka.js';

vi.setConfig({ testTimeout: 30_000 });
afterEach(closeTracked);

const bare = (brokers: readonly string[]): Kafka => new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
const hasKcat = ((): boolean => {
  try {
    execFileSync('kcat', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.each(CLIENTS)('the bus over Kafka, by %s', (client) => {
  it('creates the topics of the map as it says, once, also when several ask at the same time', async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const [bus, other] = [tracked(connect()), tracked(connect())];
    expect(await Promise.all([bus.admin.createTopics(), other.admin.createTopics()])).toEqual(range(2).map(() => ({ created: [], existing: TOPIC_NAMES })));
    const admin = bare(settings.KAFKA_BROKERS!).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: TOPIC_NAMES.map((name) => `${settings.KAFKA_TOPIC_PREFIX}${name}`) });
    const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
    expect(counts).toEqual(new Map(TOPIC_NAMES.map((name) => [`${settings.KAFKA_TOPIC_PREFIX}${name}`, TOPICS[name].partitions])));
    const configOf = async (name: string): Promise<Record<string, string>> => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: `${settings.KAFKA_TOPIC_PREFIX}${name}` }],
      });
      return Object.fromEntries(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]));
    };
    expect(await configOf(TOPIC)).toMatchObject({
      'retention.ms': String(7 * 24 * 3600 * 1000),
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'LogAppendTime',
    });
    expect(await configOf(COMPACTED)).toMatchObject({ 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' });
    await admin.disconnect();
  });

  it('creates topics once when several begin with none', async () => {
    const { settings } = await kafkaInstallation(client);
    const fresh = { ...settings, KAFKA_TOPIC_PREFIX: `${settings.KAFKA_TOPIC_PREFIX}fresh.` };
    const buses = range(3).map(() => tracked(createBus(fresh)));
    await Promise.all(buses.map((bus) => bus.admin.createTopics()));
    await buses[0]!.producer.sendAll(range(200).map((n) => numbered(n)));
    expect(await readAll(buses[1]!, TOPIC)).toHaveLength(200);
  });

  it('says so when it can no longer work: `dead` resolves, the subscription is refused', async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const foreigner: PartitionAssigner = (config) => ({
      ...kafkajs.PartitionAssigners.roundRobin(config),
      name: 'Foreign',
      protocol: ({ topics }) => ({
        name: 'Foreign',
        metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
      }),
    });
    const consumer = bare(settings.KAFKA_BROKERS!).consumer({ groupId: `${settings.KAFKA_TOPIC_PREFIX}mixed.${TOPIC}`, partitionAssigners: [foreigner] });
    await consumer.connect();
    await consumer.subscribe({ topic: `${settings.KAFKA_TOPIC_PREFIX}${TOPIC}` });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ eachMessage: async () => {} });
    await joined;
    await expect(bus.subscribe({ topic: TOPIC, group: 'mixed', handler: async () => {} })).rejects.toMatchObject({ code: 'unavailable' });
    expect((await bus.dead).message).toContain('protocol');
    await consumer.disconnect();
  });

  it('leaves no group behind after following and scanning', async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const following = await bus.follow({ topic: COMPACTED, onEvent: () => {} });
    await readAll(bus, TOPIC);
    await following.stop();
    const admin = bare(settings.KAFKA_BROKERS!).admin();
    await admin.connect();
    const { groups } = await admin.listGroups();
    expect(groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(settings.KAFKA_TOPIC_PREFIX!))).toEqual([]);
    await admin.disconnect();
  });

  it('refuses a subscription to a topic that is not there', async () => {
    const { settings } = await kafkaInstallation(client);
    const bus = tracked(createBus({ ...settings, KAFKA_TOPIC_PREFIX: 'never-created.' }));
    await expect(bus.subscribe({ topic: TOPIC, group: 'g', handler: async () => {} })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('never-created.'),
    });
  });

  it.runIf(hasKcat)('reads messages whose headers have no value: they are not there', async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const args = ['-P', '-b', settings.KAFKA_BROKERS!.join(','), '-t', `${settings.KAFKA_TOPIC_PREFIX}${TOPIC}`, '-K', '\t'];
    for (const name of ['traceparent', 'content-type', 'throughline-attempt', 'throughline-replay-group', 'ce_id']) args.push('-H', name);
    execFile('kcat', args).stdin!.end(`key\t${numbered(1).value}\nkey\t{\n`);
    const headers: object[] = [];
    await bus.subscribe({
      topic: TOPIC,
      group: 'null-headers',
      handler: async ({ events }) => void headers.push(...events.map(({ message }) => message.headers)),
    });
    await eventually(async () => expect(await readAll(bus, 'dead-letter.v1')).toHaveLength(1));
    expect(headers).toEqual([{}]);
  });

  it('buries garbage as large as a broker takes, and reads on', async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const producer = bare(settings.KAFKA_BROKERS!).producer();
    await producer.connect();
    const large = { key: 'one', value: Buffer.alloc(1_000_000, '{') };
    await producer.send({ topic: `${settings.KAFKA_TOPIC_PREFIX}${TOPIC}`, messages: [large] });
    await producer.disconnect();
    await bus.producer.send(numbered(1, 'one'));
    const seen: number[] = [];
    await bus.subscribe({ topic: TOPIC, group: 'large', handler: async ({ events }) => void seen.push(...events.map(numberOf)) });
    await eventually(async () => expect(await committedSum(bus, 'large')).toBe(2));
    expect(seen).toEqual([1]);
    const [message] = await readAll(bus, 'dead-letter.v1');
    expect(decodeDeadLetter(message!)).toMatchObject({ code: 'undecodable', leftOutBytes: 1_000_000, original: { topic: TOPIC, offset: '0', value: null } });
  });

  it('fails only what the broker’s own limit refuses, not what travels with it', async () => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const admin = bare(settings.KAFKA_BROKERS!).admin();
    await admin.connect();
    const limited = {
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name: `${settings.KAFKA_TOPIC_PREFIX}${TOPIC}`,
      configEntries: [{ name: 'max.message.bytes', value: '100000' }],
    };
    await admin.alterConfigs({ validateOnly: false, resources: [limited] });
    await admin.disconnect();
    // The partition hears of the limit a moment after it was accepted; what it still took until then counts as number 0.
    const tooLarge = { ...numbered(0, 'one'), value: JSON.stringify({ id: 0, padding: 'x'.repeat(200_000) }) };
    await eventually(() => expect(bus.producer.send(tooLarge)).rejects.toMatchObject({ code: 'message_too_large' }));
    const sending = range(500).map((n) => bus.producer.send(n === 250 ? { ...numbered(n, 'one'), value: 'x'.repeat(200_000) } : numbered(n, 'one')));
    const outcomes = await Promise.allSettled(sending);
    expect(outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([250]);
    expect(outcomes[250]).toMatchObject({ reason: { code: 'message_too_large' } });
    const arrived = (await readAll(bus, TOPIC)).map(({ value }) => Number(JSON.parse(value!.toString()).id));
    expect([...new Set(arrived)]).toEqual(range(500).filter((n) => n !== 250));
  });

  it.runIf(hasKcat).each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('reads what a foreign producer has compressed with %s', async (codec) => {
    const { settings, connect } = await kafkaInstallation(client);
    const bus = tracked(connect());
    const seen: number[] = [];
    await bus.subscribe({ topic: TOPIC, group: codec, handler: async ({ events }) => void seen.push(...events.map(numberOf)) });
    const args = ['-P', '-b', settings.KAFKA_BROKERS!.join(','), '-t', `${settings.KAFKA_TOPIC_PREFIX}${TOPIC}`, '-z', codec, '-K', '\t'];
    const kcat = execFile('kcat', args);
    kcat.stdin!.end(
      range(200)
        .map((n) => `key-${n}\t${numbered(n).value}\n`)
        .join(''),
    );
    await eventually(() => expect(sorted(seen)).toEqual(range(200)));
  });
});

describe('two clients in one installation', () => {
  it('send the same key to the same partition', async () => {
    const { connect } = await kafkaInstallation('kafkajs');
    const buses = CLIENTS.map((client) => tracked(connect({}, client)));
    await Promise.all(buses.map((bus) => bus.producer.sendAll(range(500).map((n) => numbered(n, `key ${n} ключ`)))));
    const partitionsOf = new Map<string, Set<number>>();
    for (const { key, partition } of await readAll(buses[0]!, TOPIC))
      partitionsOf.set(String(key), (partitionsOf.get(String(key)) ?? new Set()).add(partition));
    expect(partitionsOf.size).toBe(500);
    expect([...partitionsOf.values()].filter(({ size }) => size > 1)).toEqual([]);
  });

  it('share a group, whoever was first: an installation may change from one to the other member by member', async () => {
    for (const order of [CLIENTS, CLIENTS.toReversed()]) {
      const { connect } = await kafkaInstallation('kafkajs');
      const [first, second] = order.map((client) => tracked(connect({}, client))) as [Bus, Bus];
      const times = new Map<number, number>();
      const handledBy = [0, 0];
      const handlerOf = (member: number) => async (batch: EventBatch<typeof TOPIC>) => {
        handledBy[member]! += batch.events.length;
        for (const n of batch.events.map(numberOf)) times.set(n, (times.get(n) ?? 0) + 1);
      };
      const load = steadyLoad(first);
      await first.subscribe({ topic: TOPIC, group: 'mixed', handler: handlerOf(0) });
      await eventually(() => expect(handledBy[0]).toBeGreaterThan(200));
      await second.subscribe({ topic: TOPIC, group: 'mixed', handler: handlerOf(1) });
      await eventually(() => expect(handledBy[1]).toBeGreaterThan(200));
      await first.stopConsuming();
      const sent = await load.stop();
      await eventually(async () => expect(await committedSum(second, 'mixed')).toBe(sent));
      expect(sorted(times.keys())).toEqual(range(sent));
      expect([...times.values()].filter((count) => count > 1)).toEqual([]);
    }
  });
});
