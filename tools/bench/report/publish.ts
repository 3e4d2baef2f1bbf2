import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Figure, Outcome, Scenario } from '../scenario.ts';
import { paragraphs, table } from './format.ts';

interface Published {
  readonly scenario: string;
  readonly title: string;
  readonly measuredAt: string;
  /** What was measured; of uncommitted changes it only says that there were some. */
  readonly commit: string;
  readonly machine: string;
  readonly figures: readonly Figure[];
  readonly raw: object;
}

const machine = (): string => `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, broker and load on the same machine`;

/** Keeps a scenario's outcome under its name: the raw results, and its tables as Markdown. */
export function publish(folder: string, { name, title }: Scenario, { figures, markdown, raw }: Outcome): void {
  const published: Published = { scenario: name, title, measuredAt: new Date().toISOString(), commit: commit(), machine: machine(), figures, raw };
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(published, rounded, 1)}\n`);
  writeFileSync(join(folder, `${name}.md`), `${paragraphs(`## ${title}`, `Machine: ${published.machine}.`, figureTable(figures), markdown)}\n`);
}

/** The figures of all scenarios that lie in the folder, in one table for the README. */
export function publishSummary(folder: string, order: readonly string[], skipped: readonly string[]): string {
  const published = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Partial<Published>)
    .filter((one): one is Published => one.scenario !== undefined)
    .toSorted((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario));
  const machines = new Set(published.map((one) => `${one.machine}, ${one.measuredAt.slice(0, 10)}`));
  const text = paragraphs(`Machine: ${[...machines].join('; ')}. Medians (least–most) of the rounds.`, figureTable(published.flatMap(({ figures }) => figures)), skipped.length > 0 && `Not measured: ${skipped.join('; ')}.`);
  writeFileSync(join(folder, 'summary.md'), `${text}\n`);
  return text;
}

const figureTable = (figures: readonly Figure[]): string =>
  table(['what', 'measured', 'target', ''], figures.map(({ what, measured, target, isMet }) => [what, measured, target, isMet === undefined ? '' : isMet ? 'met' : '**missed**']));

/** Four significant digits are more than any of this is worth. */
const rounded = (_key: string, value: unknown): unknown => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value);

function commit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', 'apps', 'libs', 'tools/bench') === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}
