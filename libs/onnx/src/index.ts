export type { ColumnData, InputColumns } from './feeds.js';
export * from './graph/gradient-boosted-trees.js';
export * from './graph/logistic-regression.js';
export * from './graph/probe-graphs.js';
export * from './graph/random-tree-ensemble.js';
export * from './inspect-in-child.js';
export * from './session.js';
export * from './sha256.js';
export * from './signature.js';
