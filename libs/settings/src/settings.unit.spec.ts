import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  commonSettings,
  defineSettings,
  parser,
  parsers,
  parseSettings,
  required,
  servicePort,
  SERVICES,
  settingsEnvFile,
  settingsTable,
  withDefault,
} from './index.js';

const settings = defineSettings({
  RETRY_BASE_MS: { meaning: 'First pause between retries', unit: 'ms', parse: parsers.integer(1, 60_000), default: 100 },
  NICKNAME: { meaning: 'What to call it', parse: parsers.text },
  SEED: { meaning: 'Seed', parse: parsers.integer(0, 9), required: true },
});

describe('parseSettings', () => {
  it('returns typed values, defaults for what is not given, undefined where there is none', () => {
    const values = parseSettings(settings, { SEED: ' 7 ', NICKNAME: '' });
    expect(values).toEqual({ RETRY_BASE_MS: 100, NICKNAME: undefined, SEED: 7 });
    expectTypeOf(values).toEqualTypeOf<{ readonly RETRY_BASE_MS: number; readonly NICKNAME: string | undefined; readonly SEED: number }>();
  });

  it('names the setting, what was given and what is expected when a value is bad', () => {
    expect(() => parseSettings(settings, { SEED: '7', RETRY_BASE_MS: '0.5' })).toThrow(
      'RETRY_BASE_MS is "0.5"; expected an integer from 1 to 60000 (First pause between retries)',
    );
    expect(() => parseSettings(settings, {})).toThrow('SEED is not set; expected an integer from 0 to 9 (Seed)');
  });

  it('never shows a secret that does not parse', () => {
    const parse = () => parseSettings(commonSettings, { DATABASE_URL: 'mysql://u:hunter2@h/d' });
    expect(parse).toThrow('DATABASE_URL is set to a value that does not parse; expected a URL that starts with postgres:// or postgresql://');
    expect(parse).not.toThrow('hunter2');
  });

  it('reads every common setting from an empty environment', () => {
    const values = parseSettings(commonSettings, {});
    expect(values).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 3000,
      KAFKA_BROKERS: undefined,
      KAFKA_TOPIC_PREFIX: '',
      THROUGHLINE_HOME: '.throughline',
      WORKER_URL: 'http://127.0.0.1:3001',
      RETRAINING_URL: 'http://127.0.0.1:3006',
    });
  });

  it('takes overrides of default and presence', () => {
    const own = defineSettings({
      PORT: withDefault(commonSettings.PORT, servicePort('outcome-ledger')),
      KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
    });
    const values = parseSettings(own, { KAFKA_BROKERS: 'a:9092, b:9093' });
    expect(values).toEqual({ PORT: 3004, KAFKA_BROKERS: ['a:9092', 'b:9093'] });
    expectTypeOf(values.KAFKA_BROKERS).toEqualTypeOf<readonly string[]>();
  });
});

describe('parsers', () => {
  it('integer accepts exactly the integers within its bounds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1000, max: 1000 }),
        (value) => parsers.integer(-10, 10).read(String(value)) === (Math.abs(value) <= 10 ? value : undefined),
      ),
    );
  });

  it.each(['9092', 'a', 'a:', 'a:0', 'a:65536', 'http://a:1', 'a:1,,b:2', 'a b:1'])('hostPorts refuses %j', (raw) => {
    expect(parsers.hostPorts.read(raw)).toBeUndefined();
  });

  it('hostPorts accepts an IPv6 address in brackets', () => {
    expect(parsers.hostPorts.read('[::1]:9092')).toEqual(['[::1]:9092']);
  });

  it('every service has a port of its own', () => {
    const ports = Object.keys(SERVICES).map((service) => servicePort(service as keyof typeof SERVICES, 4000));
    expect(ports).toEqual([4001, 4002, 4003, 4004, 4005, 4006]);
  });
});

describe('documentation', () => {
  it('is a table row per setting, with unit, default and expectation', () => {
    expect(settingsTable(settings).split('\n')).toEqual([
      '| setting | meaning | expected | default |',
      '|---|---|---|---|',
      '| `RETRY_BASE_MS` | First pause between retries | an integer from 1 to 60000, in ms | `100` |',
      '| `NICKNAME` | What to call it | some text | none |',
      '| `SEED` | Seed | an integer from 0 to 9 | required |',
    ]);
  });

  it('is an env file that changes nothing', () => {
    expect(settingsEnvFile({ A: { meaning: 'An a', parse: parser('x|y', (raw) => raw), default: 'x' } })).toBe('# An a: x|y\n#A=x\n');
  });
});
