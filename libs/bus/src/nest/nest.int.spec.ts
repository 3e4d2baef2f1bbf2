import 'reflect-metadata';
import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ContractError } from '@throughline/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bus, EventBatch } from '../port.js';
import type { BusSettings } from '../settings.js';
import { closeTracked, tracked } from '../testing/contract-suite.js';
import { committedSum, eventually, numbered, numberOf, range, readAll, TOPIC } from '../testing/fixtures.js';
import { kafkaInstallation } from '../testing/kafka.js';
import { BUS, BusModule } from './bus.module.js';
import { Consumes } from './consumes.js';
import { KafkaBatchStrategy } from './strategy.js';

const seen = { handler: [] as number[], second: [] as number[], calls: 0 };

@Controller()
class TestController {
  constructor(@Inject(BUS) readonly bus: Bus) {}

  @Consumes({ topic: TOPIC, maxBatchSize: 40 })
  async handle({ events }: EventBatch<typeof TOPIC>): Promise<void> {
    seen.calls += 1;
    if (seen.calls === 2) throw new ContractError('unavailable', 'a moment');
    const numbers = events.map(numberOf);
    if (numbers.includes(33)) throw new Error('poison');
    seen.handler.push(...numbers);
  }

  @Consumes({ topic: TOPIC, group: 'second' })
  async second(batch: EventBatch<typeof TOPIC>): Promise<void> {
    seen.second.push(...batch.events.map(numberOf));
  }
}

async function start(settings: BusSettings) {
  @Module({ imports: [BusModule.forRoot({ service: 'first', settings })], controllers: [TestController] })
  class TestModule {}
  const app = await NestFactory.create(TestModule, new FastifyAdapter(), { logger: false });
  app.connectMicroservice({ strategy: app.get(KafkaBatchStrategy) });
  await app.startAllMicroservices();
  await app.init();
  return app;
}

afterEach(closeTracked);

describe('the bus in Nest', () => {
  it('subscribes each @Consumes in its own group, and steers retry and dead letter by the handler’s errors', async () => {
    const { settings, connect } = await kafkaInstallation();
    const bus = tracked(connect());
    await bus.producer.sendAll(range(100).map((n) => numbered(n, 'one')));
    const app = await start(settings);
    await eventually(async () => {
      expect(await committedSum(bus, 'first')).toBe(100);
      expect(await committedSum(bus, 'second')).toBe(100);
    });
    expect(seen.handler).toEqual(range(100).filter((n) => n !== 33));
    expect(seen.second).toEqual(range(100));
    expect(await readAll(bus, 'dead-letter.v1')).toHaveLength(1);
    expect(app.get(KafkaBatchStrategy).subscription(TOPIC)?.inFlight).toBe(0);
    await app.close();
    await bus.producer.send(numbered(100, 'one'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen.second).toHaveLength(100);
  });
});
