import { commonSettings, defineSettings, parseSettings, required, servicePort, withDefault, type Parsed } from '@throughline/settings';

/** Settings of the retraining coordinator; what concerns a model is in its policy. */
export const retrainingSettings = defineSettings({
  ...commonSettings,
  KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
  DATABASE_URL: required(commonSettings.DATABASE_URL),
  PORT: withDefault(commonSettings.PORT, servicePort('retraining-coordinator')),
});

export type RetrainingSettings = Parsed<typeof retrainingSettings>;

export const readSettings = (env: Readonly<Record<string, string | undefined>>): RetrainingSettings => parseSettings(retrainingSettings, env);
