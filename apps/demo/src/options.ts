import { parseArgs } from 'node:util';
import { commonSettings, defineSettings, parsers, parseSettings, withDefault, type Parsed } from '@throughline/settings';

export const demoSettings = defineSettings({
  ...commonSettings,
  PLATFORM_URL: { meaning: 'The platform’s one origin', parse: parsers.url('http', 'https'), default: 'http://127.0.0.1:3000' },
  THROUGHLINE_API_KEY: { meaning: 'API key (role admin) that is sent with every request', parse: parsers.text, secret: true },
  LOG_LEVEL: withDefault(commonSettings.LOG_LEVEL, 'error'),
});

export interface DemoOptions {
  readonly settings: Parsed<typeof demoSettings>;
  /** The platform's one origin. */
  readonly origin: string;
  /** How long the replay runs. */
  readonly minutes: number;
  /** Event seconds a second. */
  readonly speed: number;
}

export const USAGE = `node apps/demo/dist/main.js [options]
  --minutes N   how long the replay runs before its summary (default 1)
  --speed N     seconds of 2001 that pass in one of today's (default 1800: on average some 350 flights a second)
  --origin URL  where the platform listens (default PLATFORM_URL, else http://127.0.0.1:3000)`;

const MINUTES = parsers.number(0.05, 24 * 60);
const SPEED = parsers.number(1, 100_000);
const ORIGIN = parsers.url('http', 'https');

/** @throws Error that says what is wrong with an argument or a setting */
export function readOptions(given: readonly string[], env: NodeJS.ProcessEnv): DemoOptions {
  const { values } = parseArgs({ args: [...given], options: { minutes: { type: 'string', default: '1' }, speed: { type: 'string', default: '1800' }, origin: { type: 'string' } } });
  const settings = parseSettings(demoSettings, env);
  return {
    settings,
    minutes: read('--minutes', MINUTES, values.minutes),
    speed: read('--speed', SPEED, values.speed),
    origin: read('--origin', ORIGIN, values.origin ?? settings.PLATFORM_URL),
  };
}

function read<T>(name: string, { expected, read: parse }: { expected: string; read: (raw: string) => T | undefined }, raw: string): T {
  const value = parse(raw);
  if (value === undefined) throw new Error(`${name} is "${raw}"; expected ${expected}`);
  return value;
}
