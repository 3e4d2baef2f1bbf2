export * from './aggregator.js';
export * from './definition.js';
export * from './entity-windows.js';
export { BUCKETS_PER_WINDOW } from './series.js';
