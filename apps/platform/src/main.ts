import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { LocalStackError, repositoryRoot } from '@throughline/local-stack';
import { SettingError } from '@throughline/settings';
import { readArguments, readConfig, USAGE, type Arguments, type PlatformConfig } from './config.js';
import { startDemo, type Demo } from './demo.js';
import { EXIT_CONFIGURATION } from './domain/restart.js';
import { startPlatform } from './platform.js';
import { Progress } from './progress.js';

/** A second Ctrl-C this long after the first is a person who will not wait; sooner it is the terminal and npm, telling us both. */
const IMPATIENT_AFTER_MS = 1500;

const progress = new Progress(process.stderr);
const interrupted = new AbortController();
listenToSignals();
readEnvFile();
process.exit(await main());

async function main(): Promise<number> {
  let config: PlatformConfig;
  let args: Arguments;
  try {
    args = readArguments(process.argv.slice(2));
    config = readConfig(process.env);
  } catch (error) {
    progress.line(`${(error as Error).message}${error instanceof SettingError ? '' : `\n\n${USAGE}`}`);
    return EXIT_CONFIGURATION;
  }
  if (args.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  return run(config, args);
}

async function run(config: PlatformConfig, args: Arguments): Promise<number> {
  const { signal } = interrupted;
  let demo: Demo | undefined;
  try {
    const platform = await startPlatform({ config, env: process.env, workers: args.workers, progress, signal });
    progress.line(`\nThroughline listens on ${platform.url}; logs are in ${config.THROUGHLINE_HOME}/logs. Ctrl-C stops everything.\n`);
    if (args.demo) {
      demo = startDemo(args.demoArguments, { ...process.env, ...platform.clientEnv, PLATFORM_URL: platform.url });
      void demo.ended.then(
        (how) =>
          signal.aborted ||
          progress.line(
            how === 0 ? 'The demo has ended; the platform keeps running. Ctrl-C stops everything.' : `The demo ended with ${how}; the platform keeps running.`,
          ),
      );
    }
    await untilInterrupted(signal);
    progress.line('');
    await progress.step(
      'stopping the demo, the services, Kafka, PostgreSQL',
      async () => {
        await demo?.stop();
        await platform.stop();
      },
      () => 'Everything is stopped',
    );
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    progress.line(`\n${explain(error)}`);
    return 1;
  }
}

function explain(error: unknown): string {
  if (error instanceof LocalStackError || error instanceof SettingError) return error.message;
  if (error instanceof ContractError && error.code !== 'internal') return `${error.code}: ${error.message}\n  cure: ${error.cure}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Settings of this checkout; the environment itself has precedence. */
function readEnvFile(): void {
  const file = join(repositoryRoot, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

function untilInterrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    // The pipes of quiet children do not hold the event loop.
    setInterval(() => undefined, 1 << 30);
  });
}

function listenToSignals(): void {
  let firstMs: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      firstMs ??= performance.now();
      interrupted.abort();
      // The guardian then ends by force what is left.
      if (performance.now() - firstMs > IMPATIENT_AFTER_MS) process.exit(1);
    });
  }
}
