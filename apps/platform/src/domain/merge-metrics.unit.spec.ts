import { expect, it } from 'vitest';
import { mergeMetrics } from './merge-metrics.js';

it('puts the samples of a metric together under one HELP and TYPE, each with its service', () => {
  const a = '# HELP up Is it up\n# TYPE up gauge\nup 1\n\n# TYPE only_a counter\nonly_a{x="1"} 3 1700000000000\n';
  const b = '# HELP up Is it up\n# TYPE up gauge\nup 0\n';
  expect(
    mergeMetrics([
      { service: 'a', text: a },
      { service: 'b', text: b },
    ]),
  ).toBe(
    [
      '# HELP up Is it up',
      '# TYPE up gauge',
      'up{service="a"} 1',
      'up{service="b"} 0',
      '',
      '# TYPE only_a counter',
      'only_a{service="a",x="1"} 3 1700000000000',
      '',
    ].join('\n'),
  );
});

it('keeps a histogram together', () => {
  const text = '# TYPE d histogram\nd_bucket{le="+Inf"} 2\nd_sum 3\nd_count 2';
  expect(
    mergeMetrics([
      { service: 'a', text },
      { service: 'b', text },
    ])
      .split('\n')
      .filter((line) => line.startsWith('#')),
  ).toEqual(['# TYPE d histogram']);
});

it('a counter whose name ends like a part of a histogram stays itself', () => {
  expect(mergeMetrics([{ service: 'a', text: '# TYPE row_count counter\nrow_count 2' }])).toBe('# TYPE row_count counter\nrow_count{service="a"} 2\n');
});

it('leaves a service label that is there, and braces inside values', () => {
  expect(mergeMetrics([{ service: 'a', text: 'i{service="own",path="/{id}"} 1' }])).toBe('i{service="own",path="/{id}"} 1\n');
  expect(mergeMetrics([{ service: 'a', text: 'i{path="/{id}"} 1' }])).toBe('i{service="a",path="/{id}"} 1\n');
});
