import { expect, it } from 'vitest';
import { mergeOpenApi } from './merge-openapi.js';

const using = (path: string, name: string, schema: object) => ({
  paths: { [path]: { get: { operationId: 'list', responses: { 200: { schema: { $ref: `#/components/schemas/${name}` } } } } } },
  components: { schemas: { [name]: schema, Problem: { type: 'object' } } },
});
const operation = (service: string, ref: string) => ({
  get: { operationId: `${service}.list`, tags: [service], responses: { 200: { schema: { $ref: `#/components/schemas/${ref}` } } } },
});

it('holds every path, tagged with its service', () => {
  const merged = mergeOpenApi({ title: 'All' }, [
    { service: 'a', document: using('/a', 'A', { type: 'string' }) },
    { service: 'b', document: using('/b', 'B', { type: 'number' }) },
  ]);
  expect(merged).toEqual({
    openapi: '3.1.0',
    info: { title: 'All' },
    tags: [{ name: 'a' }, { name: 'b' }],
    paths: { '/a': operation('a', 'A'), '/b': operation('b', 'B') },
    components: { schemas: { A: { type: 'string' }, B: { type: 'number' }, Problem: { type: 'object' } } },
  });
});

it('renames a component that means something else elsewhere, and every reference to it', () => {
  const merged = mergeOpenApi({}, [
    { service: 'a', document: using('/a', 'Model', { type: 'string' }) },
    { service: 'b', document: using('/b', 'Model', { type: 'number' }) },
  ]);
  expect(merged).toMatchObject({
    paths: { '/a': operation('a', 'Model'), '/b': operation('b', 'b.Model') },
    components: { schemas: { Model: { type: 'string' }, 'b.Model': { type: 'number' } } },
  });
});

it('a service without operations adds nothing', () => {
  expect(mergeOpenApi({}, [{ service: 'a', document: {} }])).toMatchObject({ paths: {}, components: {} });
});
