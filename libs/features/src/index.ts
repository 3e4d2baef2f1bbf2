export * from './windows/index.js';
