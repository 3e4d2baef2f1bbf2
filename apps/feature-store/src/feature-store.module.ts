import { Module, type DynamicModule } from '@nestjs/common';
import { BusModule } from '@throughline/bus';
import { DbModule, outboxMigration } from '@throughline/db';
import { createLogger } from '@throughline/telemetry';
import { SETTINGS, type FeatureStoreSettings } from './config.js';
import { FeatureObservedHandler } from './handlers/feature-observed.handler.js';
import { FeastController } from './http/feast.controller.js';
import { ViewsController } from './http/views.controller.js';
import { FeatureWriter } from './store/feature-writer.js';
import { Janitor } from './store/janitor.js';
import { CreateFeatureStore1700000001000 } from './store/migrations/create-feature-store.js';
import { ViewStore } from './store/view-store.js';

export const SERVICE = 'feature-store';

@Module({})
export class FeatureStoreModule {
  static forRoot(settings: FeatureStoreSettings): DynamicModule {
    return {
      module: FeatureStoreModule,
      imports: [
        DbModule.forRoot({ schema: 'feature_store', settings, migrations: [outboxMigration, CreateFeatureStore1700000001000] }),
        BusModule.forRoot({ service: SERVICE, settings, outbox: true, logger: createLogger(SERVICE) }),
      ],
      controllers: [FeatureObservedHandler, ViewsController, FeastController],
      providers: [{ provide: SETTINGS, useValue: settings }, ViewStore, FeatureWriter, Janitor],
    };
  }
}
