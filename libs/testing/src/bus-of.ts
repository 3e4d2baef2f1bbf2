import { createBus, type Bus, type BusSettings } from '@throughline/bus';

/** What a bus needs to know of an installation. */
export const busSettings = (env: NodeJS.ProcessEnv): BusSettings => ({ KAFKA_BROKERS: env['KAFKA_BROKERS']!.split(','), KAFKA_TOPIC_PREFIX: env['KAFKA_TOPIC_PREFIX'] });

/** The test's own end of an installation's topics. */
export const busOf = (env: NodeJS.ProcessEnv): Bus => createBus(busSettings(env), { clientId: 'test' });
