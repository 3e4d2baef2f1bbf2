import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LocalStackError } from '../errors.js';
import { kafkaInfraFolder } from '../paths.js';
import { run } from '../process/run.js';
import type { OnProgress } from '../progress.js';

const POM = `${kafkaInfraFolder}pom.xml`;
const STAMP = 'pom.sha256';

export const defaultLibsFolder = (home: string): string => join(home, 'kafka', 'libs');

/** Whether the folder holds the jars that the pom asks for. */
export function hasJars(libsFolder: string): boolean {
  const stamp = join(libsFolder, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === pomDigest();
}

/**
 * Fills the folder with Kafka and what it needs, through Maven (its cache in the user's home makes this quick the second time).
 * Several processes may do so at once.
 *
 * @throws LocalStackError with Maven's own words.
 */
export async function ensureJars(libsFolder: string, onProgress: OnProgress): Promise<void> {
  if (hasJars(libsFolder)) return;
  onProgress('fetching Kafka through Maven');
  const filling = `${libsFolder}.${process.pid}`;
  mkdirSync(dirname(libsFolder), { recursive: true });
  const result = await run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${filling}`, '-DincludeScope=runtime']);
  if (!result.ok) {
    rmSync(filling, { recursive: true, force: true });
    throw new LocalStackError(
      `Maven could not fetch Kafka:\n${lastLines(result.output, 15)}`,
      'Check the network and ~/.m2/settings.xml (mirrors), or give KAFKA_BROKERS to use a Kafka that you have.',
    );
  }
  writeFileSync(join(filling, STAMP), pomDigest());
  putInPlace(filling, libsFolder);
}

/** A folder that is complete replaces one that is not; when another process was first, its folder stays. */
function putInPlace(filling: string, libsFolder: string): void {
  if (!hasJars(libsFolder)) rmSync(libsFolder, { recursive: true, force: true });
  try {
    renameSync(filling, libsFolder);
  } catch (error) {
    rmSync(filling, { recursive: true, force: true });
    if (!hasJars(libsFolder)) throw error;
  }
}

const pomDigest = (): string => createHash('sha256').update(readFileSync(POM)).digest('hex');
const lastLines = (text: string, count: number): string => text.split('\n').slice(-count).join('\n');
