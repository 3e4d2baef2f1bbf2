/** `npm run docs`: writes what derives from the code: parts of the README, and the schemas of topics that are released for the first time. */
import { TOPIC_NAMES, TOPICS } from '@throughline/contracts';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { generatedSections, withSections } from './sections.ts';

const root = new URL('../../', import.meta.url).pathname;

writeFileSync(`${root}README.md`, withSections(readFileSync(`${root}README.md`, 'utf8'), generatedSections(root)));

mkdirSync(`${root}libs/contracts/released`, { recursive: true });
for (const name of TOPIC_NAMES) {
  const { schema } = TOPICS[name];
  const file = `${root}libs/contracts/released/${name}.schema.json`;
  // What was released is never written again: the compatibility test compares against it.
  if (schema !== null && !existsSync(file)) writeFileSync(file, `${JSON.stringify(schema, null, 1)}\n`);
}
