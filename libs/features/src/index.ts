export * from './pack/index.js';
export * from './windows/index.js';
export * from './train/index.js';
export * from './golden/golden.js';
