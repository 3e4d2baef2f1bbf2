import { inTransaction, openDatabase, Outbox, outboxMigration, type DatabaseSettings } from '@throughline/db';
import { createBus } from '../create-bus.js';
import { OutboxRelay } from '../nest/outbox-relay.js';
import type { BusSettings } from '../settings.js';
import { numbered, range } from './fixtures.js';

/** Where the process dies. */
export type CrashPoint = 'between commit and publish' | 'between publish and delete';

// A service that decides something, and dies at the worst moment.
const { settings, schema, count, dieAt } = JSON.parse(process.argv[2]!) as {
  settings: BusSettings & DatabaseSettings;
  schema: string;
  count: number;
  dieAt: CrashPoint;
};
const die = (): void => process.kill(process.pid, 'SIGKILL') as unknown as void;
const dataSource = await openDatabase({ schema, settings, migrations: [outboxMigration] });
await inTransaction(dataSource, (manager) =>
  Outbox.enqueue(
    manager,
    range(count).map((n) => numbered(n, 'one')),
  ),
);
if (dieAt === 'between commit and publish') die();
const bus = createBus(settings);
const relay = new OutboxRelay(dataSource, {
  sendAll: async (messages) => {
    await bus.producer.sendAll(messages);
    die();
  },
});
relay.start();
