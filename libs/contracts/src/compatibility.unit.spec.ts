import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TOPIC_NAMES, TOPICS } from './topics.js';

interface Schema {
  readonly required?: string[];
  readonly properties?: Record<string, unknown>;
}

/** What breaks producers, our consumers or foreign consumers who upgrade in any order (FULL_TRANSITIVE). */
function breaks(released: Schema, current: Schema): string[] {
  const before = released.properties ?? {};
  const after = current.properties ?? {};
  const newlyRequired = (current.required ?? []).filter((name) => !(released.required ?? []).includes(name));
  const noLongerRequired = (released.required ?? []).filter((name) => !(current.required ?? []).includes(name));
  return [
    ...Object.keys(before).filter((name) => !(name in after)).map((name) => `${name} was removed`),
    ...Object.keys(before).filter((name) => name in after && JSON.stringify(before[name]) !== JSON.stringify(after[name])).map((name) => `${name} changed`),
    ...newlyRequired.map((name) => `${name} is now required`),
    ...noLongerRequired.map((name) => `${name} is no longer always there`),
  ];
}

describe('within a version only optional fields are added', () => {
  it.each(TOPIC_NAMES.filter((name) => name !== 'dead-letter.v1'))('%s is compatible with what was released', (name) => {
    const file = new URL(`../released/${name}.schema.json`, import.meta.url);
    const current = JSON.parse(JSON.stringify(TOPICS[name].schema)) as Schema;
    expect(breaks(JSON.parse(readFileSync(file, 'utf8')) as Schema, current)).toEqual([]);
  });

  it.each([
    ['a removed field', { properties: { a: {} } }, { properties: {} }],
    ['a changed type', { properties: { a: { type: 'string' } } }, { properties: { a: { type: 'number' } } }],
    ['a new required field', { properties: {} }, { properties: { a: {} }, required: ['a'] }],
    ['a field that may now be absent', { properties: { a: {} }, required: ['a'] }, { properties: { a: {} } }],
  ])('%s is found', (_name, released, current) => expect(breaks(released, current)).toHaveLength(1));
});
