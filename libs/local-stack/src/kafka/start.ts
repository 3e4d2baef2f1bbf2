import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LocalStackError } from '../errors.js';
import { kafkaInfraFolder } from '../paths.js';
import { startManaged } from '../process/managed.js';
import type { ManagedProcess, ProcessExit } from '../process/managed.js';
import { assertPortFree, freePort } from '../process/ports.js';
import { run } from '../process/run.js';
import { clearStray } from '../process/stray.js';
import { noProgress } from '../progress.js';
import type { OnProgress } from '../progress.js';
import { defaultLibsFolder, ensureJars } from './jars.js';
import { javaCommand, jvmArguments } from './java.js';
import { serverProperties } from './properties.js';

export const KAFKA_PORT = 9092;
export const KAFKA_CONTROLLER_PORT = 9093;

export interface StartKafkaOptions {
  /** Data, jars and log live below it. */
  readonly home: string;
  /** 0 chooses a free one. Default 9092. */
  readonly port?: number;
  /** 0 chooses a free one. Default 9093. */
  readonly controllerPort?: number;
  /** Folder of Kafka's jars, to share them between homes; default `home`/kafka/libs. */
  readonly libsFolder?: string;
  readonly onProgress?: OnProgress;
}

export interface LocalKafka {
  /** `host:port`, as `KAFKA_BROKERS` wants it. */
  readonly brokers: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the broker has ended, for whatever reason. */
  readonly exited: Promise<ProcessExit>;
  /** Shuts down in order; what was acknowledged is found again at the next start. */
  stop(): Promise<void>;
}

const HEAP_MB = 512;
/** A process that ends within a second gains nothing from the compiler of one that stays, which takes half of its CPU. */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1'];
const ATTEMPTS = 3;
const PORT_CURE =
  'Give KAFKA_BROKERS to use the Kafka that listens there, or LOCAL_KAFKA_PORT and LOCAL_KAFKA_CONTROLLER_PORT to start ours elsewhere (0: any free port).';

/**
 * Starts a real single-node Kafka (KRaft) on loopback. Data of an earlier start in the same home is found again, also after a kill -9.
 *
 * @throws LocalStackError when Java, Maven, a port or the folder is in the way; its message says what to do.
 */
export async function startKafka(options: StartKafkaOptions): Promise<LocalKafka> {
  const onProgress = options.onProgress ?? noProgress;
  const folder = join(resolve(options.home), 'kafka');
  const libsFolder = options.libsFolder ?? defaultLibsFolder(resolve(options.home));
  const pidFile = join(folder, 'kafka.pid');
  await clearStray(pidFile, 'Kafka');
  await ensureJars(libsFolder, onProgress);

  for (let attempt = 1; ; attempt++) {
    const [port, controllerPort] = await choosePorts(options);
    const configFile = writeConfig(folder, port, controllerPort);
    const logFile = join(resolve(options.home), 'logs', 'kafka.log');
    try {
      await format(folder, libsFolder, configFile, onProgress);
      onProgress(`starting Kafka on 127.0.0.1:${port}`);
      const broker = await startBroker(libsFolder, configFile, logFile, pidFile);
      return { brokers: `127.0.0.1:${port}`, logFile, ...broker };
    } catch (error) {
      // A port chosen a moment ago may be somebody else's by now.
      const lostPort = /Address already in use|BindException/.test(String(error)) && (options.port === 0 || options.controllerPort === 0);
      if (!lostPort || attempt === ATTEMPTS) throw error;
    }
  }
}

async function choosePorts(options: StartKafkaOptions): Promise<[port: number, controllerPort: number]> {
  const port = options.port || (options.port === 0 ? await freePort() : KAFKA_PORT);
  const controllerPort = options.controllerPort || (options.controllerPort === 0 ? await freePort() : KAFKA_CONTROLLER_PORT);
  await assertPortFree(port, 'The local Kafka', PORT_CURE);
  await assertPortFree(controllerPort, 'The local Kafka’s controller', PORT_CURE);
  return [port, controllerPort];
}

function writeConfig(folder: string, port: number, controllerPort: number): string {
  const configFile = join(folder, 'server.properties');
  mkdirSync(folder, { recursive: true });
  writeFileSync(configFile, serverProperties({ port, controllerPort, dataFolder: join(folder, 'data') }));
  return configFile;
}

async function format(folder: string, libsFolder: string, configFile: string, onProgress: OnProgress): Promise<void> {
  if (existsSync(join(folder, 'data', 'meta.properties'))) return;
  onProgress('formatting Kafka’s folder');
  const args = [...SHORT_LIVED, ...jvm(libsFolder), 'kafka.tools.StorageTool', 'format', '--ignore-formatted', '-t', clusterId(), '-c', configFile];
  const result = await run(javaCommand(process.env), args);
  if (!result.ok)
    throw new LocalStackError(
      `Kafka’s folder ${folder} could not be formatted:\n${result.output}`,
      'Kafka needs Java 17 or newer; `npx throughline doctor` checks.',
    );
}

const startBroker = (libsFolder: string, configFile: string, logFile: string, pidFile: string): Promise<ManagedProcess> =>
  startManaged({
    what: 'Kafka',
    command: javaCommand(process.env),
    args: [...jvm(libsFolder), 'kafka.Kafka', configFile],
    logFile,
    pidFile,
    stopSignal: 'SIGTERM',
    isReadyLine: (line) => line.includes('Kafka Server started'),
  });

const jvm = (libsFolder: string): string[] => jvmArguments(libsFolder, `${kafkaInfraFolder}log4j2.properties`, HEAP_MB);

/** 16 random bytes in base64url, as Kafka writes ids; one that starts with a dash would look like an option. */
function clusterId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? clusterId() : id;
}
