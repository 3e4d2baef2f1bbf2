import { readFileSync } from 'node:fs';
import { METRICS } from '@throughline/telemetry';
import { parse } from 'yaml';
import { expect, it } from 'vitest';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

const fileOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rules = (parse(fileOf('infra/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
const PAGE = fileOf('docs/ledger.md');
/** As they are rendered. */
const names = new Map(Object.values(METRICS).map((metric) => [metric.kind === 'counter' ? `${metric.name}_total` : metric.name, metric]));
const used = (text: string): string[] => text.match(/throughline_[a-z0-9_]+/g) ?? [];

it.each(rules)('$alert asks for metrics that are there, by labels that they have, and the page says what to do then', ({ alert, expr, annotations }) => {
  expect(used(expr).filter((name) => !names.has(name))).toEqual([]);
  // Every service's samples are labelled with it where the platform collects them.
  const labels = new Set(['service', ...used(expr).flatMap((name) => names.get(name)?.labels ?? [])]);
  const asked = [...expr.matchAll(/by \(([^)]*)\)|\{([a-z_]+)/g)].flatMap(([, by, selected]) => (by ?? selected ?? '').split(',').map((label) => label.trim()));
  const told = [...annotations.summary.matchAll(/\$labels\.([a-z_]+)/g)].map(([, label]) => label!);
  expect([...asked, ...told].filter((label) => !labels.has(label))).toEqual([]);
  expect(PAGE).toContain(`| \`${alert}\` |`);
});

it.each(['docs/ledger.md', 'docs/tracing.md', 'docs/registry.md', 'docs/serving.md'])('%s names metrics that are there', (path) => {
  expect(used(fileOf(path)).filter((name) => !names.has(name))).toEqual([]);
});
