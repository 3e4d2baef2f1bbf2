import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from './filter.js';
import { like, search, type Searched } from './search.js';

const SEARCHABLE = { attributes: { name: 'text', start_time: 'number', 'Run name': 'text' }, entities: ['attribute', 'metric', 'param', 'tag', 'dataset'] } as const;

const found = (filter: string, searched: Searched): boolean => search([searched], (one) => one, { filter, maxResults: 10 }, SEARCHABLE).items.length === 1;
const run: Searched = {
  attributes: { name: 'first', start_time: 1000, 'Run name': 'first' },
  metrics: { auc: 0.83, 'val/loss': 0.2, odd: NaN },
  params: { depth: '4', 'learning rate': '0.1' },
  tags: { 'mlflow.user': 'ada', "it's": 'so' },
  datasets: [{ name: 'flights', digest: 'abc', context: 'training' }],
};

describe('a filter of MLflow’s clients', () => {
  it.each([
    'metrics.auc > 0.8', 'metric.auc >= .83', 'metrics."val/loss" < 1e0', 'metrics.`val/loss` != 3', 'metrics.val/loss = 0.2',
    "params.depth = '4'", 'params.depth = "4"', "parameters.`learning rate` LIKE '0._'", "tags.mlflow.user ILIKE 'A%A'", 'tags."it\'s" = \'so\'',
    "name = 'first'", "attributes.name IN ('second', 'first')", "attributes.name NOT IN ('second')", 'start_time <= 1000', "attributes.`Run name` = 'first'", "run.name != 'x'",
    'params.nothing IS NULL', 'tags.mlflow.user is not null', "dataset.name = 'flights' and datasets.context = 'training'", "metrics.auc > 0 AND params.depth = '4' and tags.mlflow.user = 'ada'", '  ', 'metrics.auc>0.8',
  ])('holds: %s', (filter) => expect(found(filter, run)).toBe(true));

  it.each(['metrics.auc > 0.83', 'metrics.nothing != 1', 'metrics.odd > 0', "params.depth = '5'", "params.nothing != 'x'", "name LIKE 'F%'", "dataset.digest = 'x'", "tags.mlflow.user IS NULL", "attributes.name IN ('FIRST')"])(
    'does not hold: %s', (filter) => expect(found(filter, run)).toBe(false),
  );

  it.each([
    ['metrics.auc >> 1', 'a number to compare “auc” with'], ['metrics.auc', 'a comparison'], ["metrics.auc = 'x'", 'a number'], ['params.depth = 4', 'single quotes'], ["params.depth > '4'", 'is text'],
    ["nobody = 'x'", 'there is no attribute “nobody”'], ["name = 'x' OR name = 'y'", 'AND or the end'], ["name = 'x", 'single quotes'], ["name IN 'x'", 'a list'], ["dataset.size = 'x'", 'data sets are found by'], ['metrics. = 1', 'a key after'],
    ['start_time LIKE 3', 'is a number'], ["name IN ()", 'single quotes'],
  ])('that is not understood says where: %s', (filter, reason) => expect(() => parseFilter(filter, SEARCHABLE)).toThrow(reason));

  it('whatever is written is either understood or refused', () => {
    const pieces = fc.array(fc.constantFrom('metrics.a', 'params."x y"', 'tags.`', 'name', '=', '!=', '>', 'LIKE', 'IN', '(', ')', ',', "'v'", '3', 'AND', ' ', 'IS NULL', '"', 'é\0'), { maxLength: 12 });
    fc.assert(fc.property(fc.oneof(fc.string(), pieces.map((parts) => parts.join(' '))), (filter) => {
      try {
        parseFilter(filter, SEARCHABLE);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_request' });
      }
    }));
  });
});

describe('LIKE', () => {
  it('means what SQL means, whatever the pattern', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '%', '_'), { maxLength: 8 }).map((one) => one.join(''));
    fc.assert(fc.property(letters, letters, (text, pattern) => {
      const expected = new RegExp(`^${pattern.replaceAll('%', '[^]*').replaceAll('_', '[^]')}$`).test(text);
      expect(like(text, pattern)).toBe(expected);
    }));
  });
});

describe('a search', () => {
  const candidates = [3, 1, undefined, NaN, 2].map((auc, index): Searched => ({ attributes: { name: `run-${index}` }, metrics: auc === undefined ? {} : { auc } }));
  const names = (orderBy: string[], maxResults = 10, pageToken?: string): unknown[] => search(candidates, (one) => one, { orderBy, maxResults, pageToken }, SEARCHABLE).items.map(({ attributes }) => attributes['name']);

  it('orders either way, with NaN and what is not there last', () => {
    expect(names(['metrics.auc'])).toEqual(['run-1', 'run-4', 'run-0', 'run-3', 'run-2']);
    expect(names(['metrics.auc DESC'])).toEqual(['run-0', 'run-4', 'run-1', 'run-3', 'run-2']);
    expect(names(['metrics.nothing', 'name DESC'])).toEqual(['run-4', 'run-3', 'run-2', 'run-1', 'run-0']);
  });

  it('gives every candidate once over its pages', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 7 }), (maxResults) => {
      const seen: unknown[] = [];
      let pageToken: string | undefined;
      do {
        const page = search(candidates, (one) => one, { maxResults, pageToken }, SEARCHABLE);
        seen.push(...page.items);
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      expect(seen).toEqual(candidates);
    }));
  });

  it('ends in time, whatever its patterns and orderings are made for', () => {
    const long = Array.from({ length: 1000 }, (): Searched => ({ attributes: { name: 'a'.repeat(8000) } }));
    const pattern = `%${'_'.repeat(3990)}b`;
    const startedMs = performance.now();
    expect(() => search(long, (one) => one, { filter: `name LIKE '${pattern}'`, maxResults: 10 }, SEARCHABLE)).toThrow('take too long');
    expect(() => search(long, (one) => one, { orderBy: Array.from({ length: 101 }, () => 'name'), maxResults: 10 }, SEARCHABLE)).toThrow('101 entries');
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  it('refuses a token and an ordering that are none', () => {
    expect(() => names([], 1, 'x')).toThrow('page token');
    expect(() => names(['metrics.auc DOWN'])).toThrow('expected');
  });
});
