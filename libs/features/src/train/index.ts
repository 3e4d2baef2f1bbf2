export * from './logistic-regression.js';
export * from './split-by-time.js';
export * from './trainer.js';
export type { Matrix } from './standardise.js';
