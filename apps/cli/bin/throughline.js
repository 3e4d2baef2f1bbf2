#!/usr/bin/env node
// Committed, because npm links commands before anything is built.
import { existsSync } from 'node:fs';

const OLDEST_NODE = 24;
const main = new URL('../dist/main.js', import.meta.url);

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(`throughline needs Node ${OLDEST_NODE}, this is ${process.version}. Run it as \`npx throughline\` in the checkout: that brings its own Node.\n`);
  process.exit(2);
}
if (!existsSync(main)) {
  process.stderr.write('throughline is not built yet: run `npm start` once, or `npm run build`.\n');
  process.exit(2);
}
await import(main.href);
