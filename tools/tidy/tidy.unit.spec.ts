import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RULES, type SourceFile } from './rules.js';

const root = new URL('../../', import.meta.url).pathname;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(root + path));

describe('the house style', () => {
  it.each(RULES)('$name, because $why', ({ appliesTo, violations }) => {
    const files = tracked.filter(appliesTo).map((path): SourceFile => ({ path, text: readFileSync(root + path, 'utf8') }));
    expect(files.flatMap(violations)).toEqual([]);
  });

  it.each([
    ['apps/x/src/domain/decide.ts', 'const now = Date.now();'],
    ['apps/x/src/domain/decide.ts', "import { Injectable } from '@nestjs/common';"],
    ['apps/x/src/main.ts', "import { Kafka } from 'kafkajs';"],
    ['libs/x/src/long.ts', 'x\n'.repeat(301)],
    ['libs/x/src/CamelCase.ts', ''],
    ['libs/x/src/a.ts', 'const msLatency = 1;'],
    ['libs/x/src/a.ts', "console.log('hello');"],
    ['apps/x/src/main.ts', "import { eventually } from '@throughline/testing';"],
    ['apps/x/src/a.ts', "import { install } from './testing/installation.js';"],
    ['libs/x/src/a.unit.spec.ts', "it.only('runs alone', () => {});"],
    ['docs/a.md', 'cd /work/main'],
    ['package-lock.json', '"resolved": "https://example.org/x.tgz"'],
  ])('finds the fault planted in %s', (path, text) => {
    const found = RULES.filter((rule) => rule.appliesTo(path)).flatMap((rule) => rule.violations({ path, text }));
    expect(found.length).toBeGreaterThan(0);
  });

  it('every metric on the page of names is recorded by somebody, because who alerts on one that nobody records sees silence', () => {
    const page = 'libs/telemetry/src/names.ts';
    const names = [...readFileSync(root + page, 'utf8').matchAll(/^ {2}(\w+): (?:counter|gauge|histogram)\(/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(40);
    const sources = tracked.filter((path) => /^(apps|libs)\/.*\.ts$/.test(path) && !path.endsWith('.spec.ts') && path !== page).map((path) => readFileSync(root + path, 'utf8')).join('\n');
    expect(names.filter((name) => !new RegExp(`METRICS\\.${name}\\b`).test(sources))).toEqual([]);
  });

  const services = ['model-registry', 'inference-worker', 'feature-store', 'outcome-ledger', 'drift-monitor', 'retraining-coordinator'];
  it.each(services)('%s has the shape that every service has', (service) => {
    const missing = ['README.md', 'src/main.ts', 'src/config.ts', `src/${service}.module.ts`, 'src/domain', 'src/http'].filter(
      (path) => !existsSync(`${root}apps/${service}/${path}`),
    );
    expect(missing).toEqual([]);
  });
});
