import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { FeatureScalar } from '@throughline/features';

interface Asked {
  readonly features: readonly string[];
  readonly entities: Readonly<Record<string, readonly string[]>>;
}

/** A feature server on a real socket that speaks Feast's words over values in memory. */
export class FeatureServer {
  readonly asked: Asked[] = [];
  /** By entity id. */
  readonly stored = new Map<string, { values: Record<string, FeatureScalar>; eventTime: string; sequence: number }>();
  /** While true, requests are taken and never answered. */
  hangs = false;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FeatureServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const features = new FeatureServer(server);
    server.on('request', async (request, response) => {
      const asked = (await json(request)) as Asked;
      features.asked.push(asked);
      if (features.hangs) return;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(features.answer(asked)));
    });
    return features;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private answer({ features, entities }: Asked): object {
    const [[type, ids]] = Object.entries(entities) as [[string, readonly string[]]];
    const names = features.map((feature) => feature.split(':')[1]!);
    const columns = names.map((name) => ({
      values: ids.map((id) => this.stored.get(id)?.values[name] ?? null),
      statuses: ids.map((id) => (this.stored.has(id) ? 'PRESENT' : 'NOT_FOUND')),
      event_timestamps: ids.map((id) => this.stored.get(id)?.eventTime ?? '1970-01-01T00:00:00Z'),
      sequences: ids.map((id) => this.stored.get(id)?.sequence ?? 0),
    }));
    const entityColumn = { values: ids, statuses: ids.map(() => 'PRESENT'), event_timestamps: ids.map(() => '1970-01-01T00:00:00Z') };
    return { metadata: { feature_names: [type, ...names] }, results: [entityColumn, ...columns] };
  }
}
