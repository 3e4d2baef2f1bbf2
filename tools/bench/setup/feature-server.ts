import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { featureKey } from '@throughline/contracts';
import type { Installation } from './installation.ts';
import { ENTITIES, entityId, FEATURES, featureNames, featureValue, STORED_FEATURES, VIEW } from './requests.ts';

interface Asked {
  readonly features: readonly string[];
  readonly entities: Readonly<Record<string, readonly string[]>>;
}

const READ_AT = '2001-01-01T00:00:00Z';
const storedNames = featureNames.slice(FEATURES - STORED_FEATURES);

/** The feature store's read endpoint on a real socket: what a worker asks once for each entity that it does not hold yet. */
export class FeatureServer {
  reads = 0;

  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(): Promise<FeatureServer> {
    const server = createServer();
    const features = new FeatureServer(server);
    server.on('request', async (request, response) => {
      features.reads += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer((await json(request)) as Asked)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return features;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function answer({ features, entities }: Asked): object {
  const [[type, ids]] = Object.entries(entities) as [[string, readonly string[]]];
  const names = features.map((feature) => feature.split(':')[1]!);
  const present = ids.map(() => 'PRESENT');
  const columns = names.map((name) => ({
    values: ids.map((id) => valueOf(id, name, 0)), statuses: present, event_timestamps: ids.map(() => READ_AT), sequences: ids.map(() => 0),
  }));
  return { metadata: { feature_names: [type, ...names] }, results: [{ values: ids, statuses: present, event_timestamps: ids.map(() => READ_AT) }, ...columns] };
}

const valueOf = (id: string, name: string, sequence: number): number => featureValue(Number(id.split('-')[1]) + sequence, Number(name.split('_')[1]));

const UPDATE_EVERY_MS = 100;
const UPDATES_AT_ONCE = 50;

/** Keeps publishing `feature.updated` for one entity after the other, 500 a second: a cache that nothing changes would be too easy. Ends it when called. */
export function keepUpdating(installation: Installation): () => void {
  let sequence = 0;
  const timer = setInterval(() => {
    const events = Array.from({ length: UPDATES_AT_ONCE }, () => {
      sequence += 1;
      const id = entityId(sequence % ENTITIES);
      const values = Object.fromEntries(storedNames.map((name) => [name, valueOf(id, name, sequence)]));
      return { key: featureKey(VIEW.view, VIEW.viewVersion, VIEW.entityType, id), data: { ...VIEW, entityId: id, values, eventTime: READ_AT, sequence } };
    });
    void installation.publish('feature.updated.v1', events);
  }, UPDATE_EVERY_MS);
  return () => clearInterval(timer);
}
