import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBus, type Bus, type OutgoingMessage } from '@throughline/bus';
import { encodeEvent, type FeatureUpdated, type ModelDeployment, type ModelSignature, type ServedVersion } from '@throughline/contracts';
import { startService, type RunningService } from '@throughline/http';
import { sha256Hex } from '@throughline/onnx';
import { readConfig } from '../config.js';
import { serviceOptions } from '../service.js';
import { Answers } from './answers.js';

/** A Kafka prefix, a home folder and a registry of its own for one spec file, on the real brokers. */
export class Installation {
  readonly env: Record<string, string>;
  readonly answers: Answers;
  /** What the registry serves, by SHA-256; a value of its own damages an artifact. */
  readonly artifacts = new Map<string, Uint8Array>();
  /** While true, the registry answers 500. */
  registryFails = false;
  registryRequests = 0;

  private constructor(readonly bus: Bus, readonly home: string, private readonly registry: Server, prefix: string) {
    this.env = {
      KAFKA_BROKERS: process.env['KAFKA_BROKERS']!,
      KAFKA_TOPIC_PREFIX: prefix,
      THROUGHLINE_HOME: home,
      REGISTRY_URL: `http://127.0.0.1:${(registry.address() as AddressInfo).port}`,
      PORT: '0',
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    };
    this.answers = new Answers(bus);
  }

  static async create(): Promise<Installation> {
    const prefix = `worker-${randomUUID().slice(0, 8)}.`;
    const bus = createBus({ KAFKA_BROKERS: process.env['KAFKA_BROKERS']!.split(','), KAFKA_TOPIC_PREFIX: prefix });
    await bus.admin.createTopics();
    const registry = createServer();
    const installation = await new Promise<Installation>((resolve) => {
      registry.listen(0, '127.0.0.1', async () => resolve(new Installation(bus, await mkdtemp(join(tmpdir(), 'worker-')), registry, prefix)));
    });
    registry.on('request', (request, response) => {
      installation.registryRequests++;
      const bytes = installation.artifacts.get(request.url?.split('/').at(-1) ?? '');
      if (installation.registryFails) response.writeHead(500).end();
      else if (bytes === undefined) response.writeHead(404).end();
      else response.end(Buffer.from(bytes));
    });
    await installation.answers.start();
    return installation;
  }

  /** The worker in this process. */
  startWorker(env: Record<string, string> = {}): Promise<RunningService> {
    process.env['LOG_LEVEL'] = this.env['LOG_LEVEL'];
    return startService(serviceOptions(readConfig({ ...this.env, ...env })));
  }

  /** Puts an artifact into the registry, as a version to deploy. */
  version(version: string, artifact: Uint8Array, signature: ModelSignature): ServedVersion {
    const artifactSha256 = sha256Hex(artifact);
    this.artifacts.set(artifactSha256, artifact);
    return { version, artifactSha256, sizeBytes: artifact.byteLength, signature };
  }

  deploy(deployment: Pick<ModelDeployment, 'model' | 'revision'> & Partial<ModelDeployment>): Promise<void> {
    const data: ModelDeployment = { challengers: [], shadows: [], updatedAt: new Date().toISOString(), ...deployment };
    return this.bus.producer.send({ topic: 'model.deployment.v1', key: data.model, ...encodeEvent('model.deployment.v1', { id: `${data.model}/${data.revision}`, source: '/test', timeMs: Date.now(), data }) });
  }

  updateFeatures(data: FeatureUpdated): Promise<void> {
    const key = `${data.view}@${data.viewVersion}|${data.entityType}|${data.entityId}`;
    return this.bus.producer.send({ topic: 'feature.updated.v1', key, ...encodeEvent('feature.updated.v1', { id: randomUUID(), source: '/test', timeMs: Date.now(), data }) });
  }

  send(...messages: OutgoingMessage[]): Promise<void> {
    return this.bus.producer.sendAll(messages);
  }

  stopRegistry(): void {
    this.registry.close();
    this.registry.closeAllConnections();
  }

  async close(): Promise<void> {
    await this.bus.close();
    this.stopRegistry();
    await rm(this.home, { recursive: true, force: true });
  }
}
