import { commonSettings, defineSettings, parseSettings, required, servicePort, withDefault } from '@throughline/settings';

export const ledgerSettings = defineSettings({
  ...commonSettings,
  KAFKA_BROKERS: required(commonSettings.KAFKA_BROKERS),
  DATABASE_URL: required(commonSettings.DATABASE_URL),
  PORT: withDefault(commonSettings.PORT, servicePort('outcome-ledger')),
});

export const readConfig = (env: NodeJS.ProcessEnv) => parseSettings(ledgerSettings, env);
export type LedgerConfig = ReturnType<typeof readConfig>;
