import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KAFKA_CONTROLLER_PORT, KAFKA_PORT, POSTGRES_PORT } from '@throughline/local-stack';
import { commonSettings, defineSettings, parsers, parseSettings, type Parsed } from '@throughline/settings';

export const platformSettings = defineSettings({
  ...commonSettings,
  LOCAL_KAFKA_PORT: { meaning: 'Port of the local Kafka; 0: any free one', parse: parsers.port, default: KAFKA_PORT },
  LOCAL_KAFKA_CONTROLLER_PORT: { meaning: 'Port of the local Kafka’s controller; 0: any free one', parse: parsers.port, default: KAFKA_CONTROLLER_PORT },
  LOCAL_POSTGRES_PORT: { meaning: 'Port of the local PostgreSQL; 0: any free one', parse: parsers.port, default: POSTGRES_PORT },
  TERMINAL_LOG_LEVEL: {
    meaning: 'Least severe level of the services’ logs that is shown on the terminal; all of them are in THROUGHLINE_HOME/logs',
    parse: commonSettings.LOG_LEVEL.parse,
    default: 'warn',
  },
});

export interface PlatformConfig extends Parsed<typeof platformSettings> {
  /** Absolute: services have another working directory than who started them may think. */
  readonly THROUGHLINE_HOME: string;
}

export function readConfig(env: NodeJS.ProcessEnv): PlatformConfig {
  const settings = parseSettings(platformSettings, env);
  return { ...settings, THROUGHLINE_HOME: resolve(settings.THROUGHLINE_HOME) };
}

export interface Arguments {
  readonly help: boolean;
  readonly demo: boolean;
  readonly workers: number;
  /** Passed on to the demo. */
  readonly demoArguments: readonly string[];
}

export const USAGE = `npm start -- [options]
  --minutes N   how long the demo runs before its summary
  --speed N     how many seconds of 2001 the demo replays in one of today's
  --no-demo     start bare
  --workers N   inference workers (default 1)
The platform keeps running after the demo; Ctrl-C stops everything in order.`;

const MAX_WORKERS = 16;
/** As the demo has them: told here, nobody waits for a start only to hear it. */
const DEMO_RANGES = { minutes: parsers.number(0.05, 24 * 60), speed: parsers.number(1, 100_000) };

/**
 * @throws Error that says what is wrong with the arguments
 */
export function readArguments(given: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...given],
    allowNegative: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      demo: { type: 'boolean' },
      workers: { type: 'string' },
      minutes: { type: 'string' },
      speed: { type: 'string' },
    },
  });
  const workers = parsers.integer(1, MAX_WORKERS).read(values.workers ?? '1');
  if (workers === undefined) throw new Error(`--workers is "${values.workers}"; expected an integer from 1 to ${MAX_WORKERS}`);
  const demoArguments = (['minutes', 'speed'] as const).flatMap((name) => demoArgument(name, values[name]));
  return { help: values.help ?? false, demo: values.demo ?? true, workers, demoArguments };
}

function demoArgument(name: keyof typeof DEMO_RANGES, value: string | undefined): string[] {
  if (value === undefined) return [];
  if (DEMO_RANGES[name].read(value) === undefined) throw new Error(`--${name} is "${value}"; expected ${DEMO_RANGES[name].expected}`);
  return [`--${name}`, value];
}
