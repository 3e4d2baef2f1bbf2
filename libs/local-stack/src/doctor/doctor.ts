import { mkdirSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultLibsFolder, hasJars } from '../kafka/jars.js';
import { javaCommand } from '../kafka/java.js';
import { repositoryRoot } from '../paths.js';
import { hasPostgresPackage } from '../postgres/binaries.js';
import { isPortFree, listenerOn } from '../process/ports.js';
import { run } from '../process/run.js';
import { judgeDependencies, judgeDisk, judgeJava, judgeMaven, judgeNode, judgePort, judgePostgres } from './judge.js';
import type { Check, PortNeed } from './judge.js';

export interface DoctorOptions {
  readonly home: string;
  /** Whether Kafka is to be ours; without it Java and Maven do not matter. */
  readonly localKafka: boolean;
  readonly localPostgres: boolean;
  readonly ports: readonly PortNeed[];
  readonly env: NodeJS.ProcessEnv;
}

/** Looks at the machine; changes nothing but making the home. */
export async function doctor(options: DoctorOptions): Promise<Check[]> {
  const checks: (Check | Promise<Check>)[] = [judgeNode(process.version), dependencies(), disk(options.home)];
  if (options.localKafka) checks.push(java(options.env), maven(options.home));
  if (options.localPostgres) checks.push(judgePostgres(hasPostgresPackage()));
  return Promise.all([...checks, ...options.ports.map(port)]);
}

async function dependencies(): Promise<Check> {
  const { ok, output } = await run(process.execPath, [`${repositoryRoot}tools/setup/setup.mjs`, '--check']);
  return judgeDependencies(ok, output);
}

function disk(home: string): Check {
  mkdirSync(home, { recursive: true });
  const { bavail, bsize } = statfsSync(home);
  return judgeDisk(resolve(home), bavail * bsize);
}

async function java(env: NodeJS.ProcessEnv): Promise<Check> {
  const { ok, output } = await run(javaCommand(env), ['-version']);
  return judgeJava(ok ? output : undefined, process.platform);
}

async function maven(home: string): Promise<Check> {
  const { ok, output } = await run('mvn', ['-version']);
  return judgeMaven(ok ? output : undefined, hasJars(defaultLibsFolder(resolve(home))), process.platform);
}

async function port(need: PortNeed): Promise<Check> {
  return judgePort(need, (await isPortFree(need.port)) ? undefined : listenerOn(need.port));
}
