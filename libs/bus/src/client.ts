/** The bus without what services are built of: for the command line, whose start would wait for Nest and typeorm. */
export * from './dead-letter.js';
export { createBus, type BusOptions } from './create-bus.js';
export * from './port.js';
export * from './topics.js';
export type { BusLogger, BusSettings } from './settings.js';
