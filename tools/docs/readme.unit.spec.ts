import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { generatedSections, withSections } from './sections.ts';

const root = new URL('../../', import.meta.url).pathname;

it('the README says what the code says (else run `npm run docs`)', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  expect(withSections(readme, generatedSections(root))).toBe(readme);
});
