export type { CleaningReport } from './cleaning.js';
export { LATE_AFTER_MINUTES, typicalBlockMinutes, type Flight } from './flight.js';
export * from './read-flights.js';
export * from './replay-events.js';
