import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TOPIC_NAMES, TOPICS } from './topics.js';

interface Schema {
  readonly required?: string[];
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly type?: string;
  readonly description?: string;
}

/** What breaks producers, our consumers or foreign consumers who upgrade in any order (FULL_TRANSITIVE); at every depth. */
function breaks(released: Schema, current: Schema, path = ''): string[] {
  const before = released.properties ?? {};
  const after = current.properties ?? {};
  const newlyRequired = (current.required ?? []).filter((name) => !(released.required ?? []).includes(name));
  const noLongerRequired = (released.required ?? []).filter((name) => !(current.required ?? []).includes(name));
  const kept = Object.keys(before).filter((name) => name in after);
  return [
    ...(ownTerms(released) === ownTerms(current) ? [] : [`${path || 'the whole'} changed`]),
    ...Object.keys(before).filter((name) => !(name in after)).map((name) => `${path}${name} was removed`),
    ...kept.flatMap((name) => breaks(before[name]!, after[name]!, `${path}${name}.`)),
    ...(released.items !== undefined && current.items !== undefined ? breaks(released.items, current.items, `${path}[].`) : []),
    ...newlyRequired.map((name) => `${path}${name} is now required`),
    ...noLongerRequired.map((name) => `${path}${name} is no longer always there`),
  ];
}

/** All that a schema says itself, apart from its fields and from what is only said to people. */
const ownTerms = (schema: Schema): string =>
  JSON.stringify({ ...schema, properties: undefined, required: undefined, items: schema.items === undefined ? undefined : {} }, (name, value: unknown) => (name === 'description' ? undefined : value));

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
    ['a changed type further down', { properties: { a: { items: { properties: { b: { type: 'string' } } } } } }, { properties: { a: { items: { properties: { b: { type: 'number' } } } } } }],
    ['a field that may now be absent', { properties: { a: {} }, required: ['a'] }, { properties: { a: {} } }],
  ])('%s is found', (_name, released, current) => expect(breaks(released, current)).toHaveLength(1));
});
