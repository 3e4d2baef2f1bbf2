export * from './dead-letter.js';
export { createBus, type BusOptions } from './kafkajs/bus.js';
export * from './nest/bus.module.js';
export * from './nest/consumes.js';
export * from './nest/outbox-relay.js';
export * from './nest/strategy.js';
export * from './port.js';
export type { BusLogger, BusSettings } from './settings.js';
