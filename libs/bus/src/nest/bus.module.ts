import { Inject, Module, type BeforeApplicationShutdown, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { createBus } from '../create-bus.js';
import type { Bus } from '../port.js';
import { silentLogger, type BusLogger, type BusSettings } from '../settings.js';
import { OutboxRelay } from './outbox-relay.js';
import { KafkaBatchStrategy } from './strategy.js';

/** Injection token of the `Bus`. */
export const BUS = Symbol.for('throughline.bus');

/** Longer than an orderly shutdown. */
const END_AFTER_MS = 45_000;

export interface BusModuleOptions {
  /** Name of the service: client id and default consumer group. */
  readonly service: string;
  readonly settings: BusSettings;
  /** Publish the outbox of the service's schema; needs `DbModule` with `outboxMigration`. */
  readonly outbox?: boolean;
  readonly logger?: BusLogger;
  /** Another bus than Kafka, for tests. */
  readonly bus?: Bus;
}

/** Provides `BUS` and `KafkaBatchStrategy` everywhere; with `outbox` also runs the relay. */
@Module({})
export class BusModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(BUS) private readonly bus: Bus) {}

  static forRoot({ service, settings, outbox = false, logger, bus }: BusModuleOptions): DynamicModule {
    const relay = {
      provide: OutboxRelay,
      useFactory: (dataSource: DataSource, running: Bus) => new OutboxRelay(dataSource, running.producer, logger),
      inject: [DataSource, BUS],
    };
    return {
      module: BusModule,
      global: true,
      providers: [
        {
          provide: BUS,
          useFactory: (): Bus => {
            const created = bus ?? createBus(settings, { clientId: service, ...(logger === undefined ? {} : { logger }) });
            void created.dead.then((reason) => endLater(reason, logger));
            return created;
          },
        },
        { provide: KafkaBatchStrategy, useFactory: (running: Bus) => new KafkaBatchStrategy(running, service), inject: [BUS] },
        ...(outbox ? [relay] : []),
      ],
      exports: [BUS, KafkaBatchStrategy, ...(outbox ? [OutboxRelay] : [])],
    };
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.bus.stopConsuming();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.bus.close();
  }
}

/** `runService` ends in order (give it `dead`); a process that nobody ends must not go on as if it consumed. */
function endLater(reason: Error, logger: BusLogger = silentLogger): void {
  logger.error({ reason: reason.message, endsWithinMs: END_AFTER_MS }, 'the bus is dead: the service ends, and whoever runs it starts it again; what is not committed is delivered again then');
  setTimeout(() => process.exit(1), END_AFTER_MS).unref();
}
