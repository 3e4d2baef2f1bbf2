export * from './client.js';
export { prefixedNames, type Names } from './names.js';
export { MemoryBroker } from './memory/broker.js';
export { MemoryBus } from './memory/bus.js';
export * from './nest/bus.module.js';
export * from './nest/consumes.js';
export * from './nest/outbox-relay.js';
export * from './nest/strategy.js';
