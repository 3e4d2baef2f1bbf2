import { freePort, repositoryRoot, startKafka } from '@throughline/local-stack';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stop } from '../measure/processes.ts';
import { Installation } from './installation.ts';
import { ArtifactServer, treesArtifact, type Artifact } from './models.ts';
import type { Sizes } from './sizes.ts';

/** What all scenarios share: one broker, one model, and the duty to leave nothing running. */
export class Bench {
  private readonly running = new Set<ChildProcess>();
  private installations = 0;

  readonly sizes: Sizes;
  readonly home: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly broker: { readonly brokers: string; readonly pid: number; stop(): Promise<void> };
  /** Of the server that is measured, and of a second one beside it. */
  readonly ports: readonly [number, number];
  readonly artifacts: ArtifactServer;
  readonly model: Artifact & { readonly path: string };

  private constructor(
    sizes: Sizes,
    home: string,
    kafka: Kafka,
    admin: Admin,
    broker: { readonly brokers: string; readonly pid: number; stop(): Promise<void> },
    ports: readonly [number, number],
    artifacts: ArtifactServer,
    model: Artifact & { readonly path: string },
  ) {
    this.sizes = sizes;
    this.home = home;
    this.kafka = kafka;
    this.admin = admin;
    this.broker = broker;
    this.ports = ports;
    this.artifacts = artifacts;
    this.model = model;
  }

  static async start(sizes: Sizes): Promise<Bench> {
    const throughlineHome = join(repositoryRoot, '.throughline');
    const home = join(throughlineHome, 'bench');
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    const broker = await startKafka({ home, port: 0, controllerPort: 0, libsFolder: join(throughlineHome, 'kafka', 'libs'), onProgress: (what) => console.error(`  ${what} …`) });
    const kafka = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const artifacts = await ArtifactServer.start();
    const model = { ...artifacts.add(treesArtifact(7)), path: join(home, 'model.onnx') };
    writeFileSync(model.path, model.bytes);
    return new Bench(sizes, home, kafka, admin, broker, [await freePort(), await freePort()], artifacts, model);
  }

  /** All topics of the contract under a prefix of their own. */
  async installation(): Promise<Installation> {
    this.installations += 1;
    return Installation.create(this, `b${this.installations}.`);
  }

  /** Measures a process and stops it, whatever happens. */
  async within<T>(starting: Promise<ChildProcess>, measure: (child: ChildProcess) => Promise<T>): Promise<T> {
    const child = await this.keep(starting);
    try {
      return await measure(child);
    } finally {
      await this.end(child);
    }
  }

  async keep(starting: Promise<ChildProcess>): Promise<ChildProcess> {
    const child = await starting;
    this.running.add(child);
    return child;
  }

  async end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await stop(child, signal);
    this.running.delete(child);
  }

  async close(): Promise<void> {
    for (const child of this.running) child.kill('SIGKILL');
    this.artifacts.close();
    await this.admin.disconnect();
    await this.broker.stop();
  }
}
