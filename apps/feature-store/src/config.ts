import { commonSettings, defineSettings, parsers, parseSettings, required, servicePort, withDefault, type Parsed } from '@throughline/settings';

/** Settings of the feature store; the common ones are described in libs/settings. */
export const featureStoreSettings = defineSettings({
  ...commonSettings,
  KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
  DATABASE_URL: required(commonSettings.DATABASE_URL),
  PORT: withDefault(commonSettings.PORT, servicePort('feature-store')),
  FEATURES_MAX_FUTURE_SECONDS: {
    meaning: 'An event that claims to happen later than this after it reached Kafka is a dead letter, one that is pushed is refused: it would empty every window',
    unit: 's', parse: parsers.integer(0, 30 * 24 * 3600), default: 300,
  },
  FEATURES_DEDUPE_MINUTES: {
    meaning: 'How long the ids of counted events are kept to recognise a second copy from its producer (redeliveries are recognised for ever)',
    unit: 'min', parse: parsers.integer(1, 7 * 24 * 60), default: 60,
  },
});

export type FeatureStoreSettings = Parsed<typeof featureStoreSettings>;

/** Injects the settings. */
export const SETTINGS = Symbol('feature-store.settings');

export const readSettings = (env: Readonly<Record<string, string | undefined>>): FeatureStoreSettings => parseSettings(featureStoreSettings, env);
