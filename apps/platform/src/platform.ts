import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearStray, doctor, LocalStackError, removePidFile, renderChecks, writePidFile, type PortNeed } from '@throughline/local-stack';
import { createAuthenticator, isAuthConfigured, isLoopback } from '@throughline/http';
import { createLogger, startTelemetry } from '@throughline/telemetry';
import type { FastifyInstance } from 'fastify';
import type { PlatformConfig } from './config.js';
import { planServices, type ServicePlan } from './domain/plan.js';
import { createOrigin } from './http/origin.js';
import { createTopics, startInfrastructure } from './infrastructure.js';
import { makeOwnKeys } from './own-keys.js';
import type { Progress } from './progress.js';
import { Fleet } from './supervisor/fleet.js';

export interface PlatformOptions {
  readonly config: PlatformConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly workers: number;
  readonly progress: Progress;
  /** Aborted when the start is no longer wanted. */
  readonly signal: AbortSignal;
  /** Which script is a service; default the built one. For tests. */
  readonly scriptOf?: (plan: ServicePlan) => string;
}

export interface Platform {
  readonly url: string;
  /** The environment in which a client of this platform runs. */
  readonly clientEnv: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Undoes what was begun, last first; each once. */
class Undo {
  private readonly steps: (() => unknown)[] = [];
  readonly add = (step: () => unknown): void => void this.steps.push(step);
  async run(): Promise<void> {
    for (let step = this.steps.pop(); step; step = this.steps.pop()) await step();
  }
}

/**
 * Starts everything and resolves when every service has been ready: Kafka and PostgreSQL (unless given), topics, services, the one
 * origin. Stops what it has started when one of them cannot be.
 *
 * @throws LocalStackError that says what is in the way, and the cure
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { config, progress } = options;
  const home = config.THROUGHLINE_HOME;
  const undo = new Undo();
  try {
    await claimHome(home, undo);
    await examine(config, options.workers);
    const keys = makeOwnKeys(config);
    const authenticator = createAuthenticator({ ...config, AUTH_KEYS: keys?.json }, createLogger('platform', { level: 'warn' }));
    undo.add(() => authenticator?.close());
    const telemetry = startTelemetry({ service: 'platform', instance: String(process.pid) });
    undo.add(() => telemetry.shutdown());

    const infrastructure = await startInfrastructure(config, progress);
    undo.add(() => infrastructure.stop());
    const { brokers, databaseUrl, registryDatabaseUrl } = infrastructure;
    await createTopics(config, brokers, progress);
    options.signal.throwIfAborted();

    const plans = planServices({ basePort: config.PORT, workers: options.workers, brokers, databaseUrl, registryDatabaseUrl, home, keys });
    const fleet = new Fleet({
      plans,
      home,
      env: options.env,
      terminalLevel: config.TERMINAL_LOG_LEVEL,
      serviceKey: keys?.service,
      onLine: (line) => progress.line(line),
      ...(options.scriptOf && { scriptOf: options.scriptOf }),
    });
    undo.add(() => fleet.stop());
    await fleet.start();

    let stopping = false;
    const origin = await createOrigin({
      plans,
      requestTimeoutMs: config.HTTP_REQUEST_TIMEOUT_SECONDS * 1000,
      brokers: brokers.split(','),
      topicPrefix: config.KAFKA_TOPIC_PREFIX,
      members: () => fleet.members(),
      infrastructure: () => Object.fromEntries(infrastructure.keepers.map(({ name, state, restarts }) => [name, { state, restarts }])),
      isStopping: () => stopping,
      authenticator,
      serviceKey: keys?.service,
    });
    const url = await listen(origin, config, undo);
    undo.add(() => (stopping = true));
    await untilReady(fleet, plans, progress, options.signal);

    const clientEnv = { KAFKA_BROKERS: brokers, DATABASE_URL: databaseUrl, THROUGHLINE_HOME: home, ...pick(plans[0]?.env ?? {}, /_URL$/), ...(keys && { THROUGHLINE_API_KEY: keys.demo }) };
    announce(home, { pid: process.pid, url, brokers, databaseUrl }, undo);
    return { url, clientEnv, stop: () => undo.run() };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function claimHome(home: string, undo: Undo): Promise<void> {
  const pidFile = join(home, 'platform.pid');
  mkdirSync(home, { recursive: true });
  await clearStray(pidFile, 'The platform');
  writePidFile(pidFile, process.pid);
  undo.add(() => removePidFile(pidFile));
}

/** What the machine lacks is said at once, on one screen; ports of the infrastructure are checked where it starts. */
async function examine(config: PlatformConfig, workers: number): Promise<void> {
  if (!isLoopback(config.HOST) && !isAuthConfigured(config))
    throw new LocalStackError(
      `HOST is ${config.HOST}, which others can reach, and no authentication is configured.`,
      'Set AUTH_KEYS_FILE or AUTH_OIDC_ISSUER (docs/security.md), or listen on 127.0.0.1.',
    );
  const services = planServices({ basePort: config.PORT, workers, brokers: '', databaseUrl: '', home: config.THROUGHLINE_HOME });
  const ports: PortNeed[] = [{ name: 'platform', port: config.PORT }, ...services].map(({ name, port }) => ({ port, what: name, setting: 'PORT' }));
  const checks = await doctor({
    home: config.THROUGHLINE_HOME,
    localKafka: !config.KAFKA_BROKERS,
    localPostgres: !config.DATABASE_URL,
    ports,
    env: process.env,
  });
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length > 0)
    throw new LocalStackError(`Throughline cannot start here yet:\n\n${renderChecks(failed)}\n`, '`npx throughline doctor` prints the whole check.');
}

async function listen(origin: FastifyInstance, config: PlatformConfig, undo: Undo): Promise<string> {
  undo.add(() => origin.close());
  return origin.listen({ host: config.HOST, port: config.PORT });
}

async function untilReady(fleet: Fleet, plans: readonly ServicePlan[], progress: Progress, signal: AbortSignal): Promise<void> {
  const waiting = new Set(plans.map(({ name }) => name));
  await progress.step(
    'starting services',
    (rename) =>
      fleet.ready((name) => {
        waiting.delete(name);
        rename(`waiting for ${[...waiting].join(', ')}`);
      }, signal),
    () => `Services ready: ${plans.map(({ name, port }) => `${name} :${port}`).join(', ')}`,
  );
  signal.throwIfAborted();
}

/** For other programs on this machine; it holds the database's password, so it is for its owner only. */
function announce(home: string, facts: Readonly<Record<string, unknown>>, undo: Undo): void {
  const file = join(home, 'running.json');
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 });
  undo.add(() => rmSync(file, { force: true }));
}

const pick = (record: Readonly<Record<string, string>>, names: RegExp): Record<string, string> =>
  Object.fromEntries(Object.entries(record).filter(([name]) => names.test(name)));
