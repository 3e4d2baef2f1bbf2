import { Option, type Command } from 'commander';
import { ContractError } from '@throughline/contracts';
import { countFromOne, decimal, instant } from '../arguments.js';
import { readConfig } from '../config.js';
import { listCells, type ListedPrediction, type PredictionFilter } from '../domain/prediction-list.js';
import { checkWritable, download } from '../download.js';
import { ask, jsonBody } from '../http.js';
import { table } from '../terminal.js';

interface Asked extends Record<string, unknown> {
  readonly query?: string;
  readonly save?: string;
  readonly limit: number;
  readonly json?: boolean;
  readonly output: string;
}

interface Page {
  readonly predictions: ListedPrediction[];
  readonly nextCursor: string | null;
}

const PAGE_ROWS = 1_000;
/** A name that is spelt wrong matches nothing as well: nobody may take that for good news. */
const NOTHING = 'No prediction matches. If you expected some: `npx throughline models list` names the models, and --from, --to and --last are event times.';
const NOT_OF_FILTER = new Set(['query', 'save', 'limit', 'json', 'output', 'right']);

export function predictionsCommand(program: Command): void {
  const predictions = program.command('predictions').description('Find predictions by what they were and what came of them');
  withFilters(predictions.command('list').description('List predictions by event time, newest first'))
    .option('--limit <number>', 'how many at most', countFromOne, 20)
    .option('--save <name>', 'keep the question under this name as well')
    .option('--json', 'print as JSON Lines')
    .addHelpText('after', `
Examples:
  npx throughline predictions list --model flight-delay --wrong --last 24h
  npx throughline predictions list --entity origin:SFO --stage inference --min-stage-ms 20
  npx throughline predictions list --model flight-delay --wrong --last 24h --save wrong-today
  npx throughline predictions list --query wrong-today --json`)
    .action(async (asked: Asked) => list(readConfig(process.env).LEDGER_URL, asked));
  withFilters(predictions.command('export').description('Write predictions with their features as used and their outcomes as Parquet, oldest first'))
    .requiredOption('--output <file>', 'the Parquet file')
    .option('--limit <number>', 'how many at most', countFromOne, 1_000_000)
    .addHelpText('after', `
Examples:
  npx throughline predictions export --query wrong-today --output wrong.parquet
  npx throughline predictions export --model flight-delay --outcome joined --output joined.parquet`)
    .action(async (asked: Asked) => exportFile(readConfig(process.env).LEDGER_URL, asked));
  predictions
    .command('queries')
    .description('List the questions that were saved')
    .option('--json', 'print as JSON')
    .action(async ({ json }: { json?: boolean }) => queries(readConfig(process.env).LEDGER_URL, json === true));
}

const withFilters = (command: Command): Command =>
  command
    .option('--query <name>', 'a saved question, instead of the filters below')
    .option('--model <name>', 'model that was asked')
    .option('--for-version <version>', 'version that answered')
    .option('--from <moment>', 'event time, inclusive: a day (UTC) or an instant, such as 2001-01-29; or 7d before now', instant)
    .option('--to <moment>', 'event time, exclusive', instant)
    .option('--last <duration>', 'so far back from the model’s newest prediction, such as 90m, 24h, 7d or 2w')
    .option('--entity <entity>', 'role and id, such as origin:SFO; or an id in any role')
    .option('--routing-key <key>', 'routing key of the request')
    .option('--team <team>', 'team that asked')
    .addOption(new Option('--state <state>', 'how the request ended').choices(['scored', 'fallback', 'rejected']))
    .option('--code <code>', 'error code of the rejection')
    .option('--fallback <kind>', 'kind of the fallback that answered')
    .addOption(new Option('--role <role>', 'role of the version that answered').choices(['champion', 'challenger', 'pinned']))
    .addOption(new Option('--lane <lane>', 'how the request came').choices(['stream', 'batch', 'http']))
    .addOption(new Option('--outcome <outcome>', 'whether the outcome is known').choices(['joined', 'pending', 'assumed']))
    .option('--wrong', 'decisions that turned out wrong')
    .addOption(new Option('--right', 'decisions that turned out right').conflicts('wrong'))
    .option('--min-abs-error <number>', 'least distance of the score from the outcome', decimal)
    .option('--min-score <number>', 'least score', decimal)
    .option('--max-score <number>', 'greatest score', decimal)
    .option('--min-value-micro-usd <number>', 'least that the decision was worth', decimal)
    .option('--max-value-micro-usd <number>', 'most that the decision was worth', decimal)
    .option('--stage <stage>', 'stage that --min-stage-ms is about: transport, queue, features, preprocess, inference, postprocess, publish or total, which is the default')
    .option('--min-stage-ms <ms>', 'least time that the stage took', decimal);

/** The options that say which predictions are meant, by the names of the ledger's interface. */
function filterOf({ right, forVersion, ...asked }: Asked): PredictionFilter {
  const named = Object.entries(asked).filter(([name, value]) => !NOT_OF_FILTER.has(name) && value !== undefined);
  return { ...(Object.fromEntries(named) as PredictionFilter), ...(forVersion === undefined ? {} : { version: forVersion as string }), ...(right === true ? { wrong: false } : {}) };
}

/** @throws ContractError `invalid_request` when a saved question and filters are given together */
function checkQuery({ query }: Asked, filter: PredictionFilter): void {
  const [name] = Object.keys(filter);
  if (query !== undefined && name !== undefined) throw new ContractError('invalid_request', `--query is a whole question: ${name} cannot be added to it`, { cure: 'Give the filters without --query, or save another question with --save.' });
}

async function list(ledger: string, asked: Asked): Promise<void> {
  const filter = filterOf(asked);
  checkQuery(asked, filter);
  if (asked.save !== undefined) await ask(`${ledger}/ledger/v1/queries/${encodeURIComponent(asked.save)}`, jsonBody('PUT', { filter }));
  const path = asked.query === undefined ? 'predictions' : `queries/${encodeURIComponent(asked.query)}/predictions`;
  const { found, hasMore } = await pages(`${ledger}/ledger/v1/${path}`, filter, asked.limit);
  if (asked.json === true) return void process.stdout.write(found.map((one) => `${JSON.stringify(one)}\n`).join(''));
  process.stdout.write(found.length === 0 ? `${NOTHING}\n` : `${table(listCells(found))}\n${hasMore ? '… and more: --limit shows them, `predictions export` writes them all.\n' : ''}`);
  if (asked.save !== undefined) process.stdout.write(`Saved: npx throughline predictions list --query ${asked.save}\n`);
}

async function pages(url: string, filter: PredictionFilter, limit: number): Promise<{ found: ListedPrediction[]; hasMore: boolean }> {
  const found: ListedPrediction[] = [];
  let cursor: string | null = '';
  while (cursor !== null && found.length < limit) {
    const query = new URLSearchParams(Object.entries({ ...filter, limit: Math.min(PAGE_ROWS, limit - found.length), ...(cursor === '' ? {} : { cursor }) }).map(([name, value]): [string, string] => [name, String(value)]));
    const page: Page = await ask<Page>(`${url}?${query}`);
    found.push(...page.predictions);
    cursor = page.nextCursor;
  }
  return { found, hasMore: cursor !== null };
}

async function exportFile(ledger: string, asked: Asked): Promise<void> {
  const filter = filterOf(asked);
  checkQuery(asked, filter);
  if (asked.query === undefined && filter['model'] === undefined) throw new ContractError('invalid_request', 'a file has the features of one model', { cure: 'Give --model, or --query with a saved question.' });
  await checkWritable(asked.output);
  const [path, body] = asked.query === undefined ? ['exports', { ...filter, limit: asked.limit }] : [`queries/${encodeURIComponent(asked.query)}/export`, { limit: asked.limit }];
  const sizeBytes = await download(`${ledger}/ledger/v1/${path}`, jsonBody('POST', body), asked.output);
  const rows = await rowsOf(asked.output);
  process.stdout.write(`${asked.output}: ${rows.toLocaleString('en-US')} predictions, ${sizeBytes.toLocaleString('en-US')} bytes\n${rows === 0 ? `${NOTHING}\n` : ''}`);
}

/** What the file's own footer says. */
async function rowsOf(path: string): Promise<number> {
  const { asyncBufferFromFile, parquetMetadataAsync } = await import('hyparquet');
  return Number((await parquetMetadataAsync(await asyncBufferFromFile(path))).num_rows);
}

async function queries(ledger: string, isJson: boolean): Promise<void> {
  const { queries: saved } = await ask<{ queries: { name: string; filter: object; author: string; savedAt: string }[] }>(`${ledger}/ledger/v1/queries`);
  if (isJson) return void process.stdout.write(`${JSON.stringify(saved, null, 2)}\n`);
  process.stdout.write(saved.length === 0 ? 'No question is saved.\n' : `${table([['name', 'question', 'saved', 'by'], ...saved.map(({ name, filter, author, savedAt }) => [name, JSON.stringify(filter), savedAt, author])])}\n`);
}
