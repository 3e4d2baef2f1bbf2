import { readFile } from 'node:fs/promises';
import { ContractError } from '@throughline/contracts';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { countFromOne, decimal, instant } from '../arguments.js';
import { cancelBacktest, downloadRows, finished, startBacktest, type Backtest } from '../backtest/client.js';
import { backtestText } from '../domain/backtest-text.js';
import { checkWritable } from '../download.js';
import { Progress, table } from '../terminal.js';

interface Options {
  readonly version?: string;
  readonly rules?: string;
  readonly from: string;
  readonly to: string;
  readonly threshold?: number;
  readonly limit?: number;
  readonly output?: string;
  readonly json?: boolean;
}

const EXIT_INTERRUPTED = 130;
const BAR_WIDTH = 24;

export function backtestCommand(program: Command): void {
  program
    .command('backtest')
    .argument('<model>', 'name of the model')
    .description('What a version, or rules, would have decided and earned on the predictions of a past period')
    .option('--version <version>', 'version to try')
    .option('--rules <file>', 'rules to try instead: a rules document, JSON or YAML')
    .requiredOption('--from <moment>', 'event time of the requests: so long ago (7d), or an instant', instant)
    .requiredOption('--to <moment>', 'until then', instant)
    .option('--threshold <score>', 'a score at or above it is a positive decision; the candidate’s own by default', decimal)
    .option('--limit <count>', 'predictions at most, oldest first', countFromOne)
    .option('--output <file>', 'Parquet file with what it would have done, prediction by prediction')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', `
The candidate scores the features as they were used, in the ledger; what was not stored is counted, never guessed.

Examples:
  npx throughline backtest flight-delay --version 2 --from 2001-01-01 --to 2001-07-01
  npx throughline backtest flight-delay --rules model.rules.json --from 2001-01-01 --to 2001-07-01 --output rows.parquet`)
    .action(async (model: string, options: Options) => {
      const { from, to, threshold, limit, output, json } = options;
      const request = { model, from, to, candidate: await candidateOf(options), ...(threshold === undefined ? {} : { threshold }), ...(limit === undefined ? {} : { limit }) };
      if (output !== undefined) await checkWritable(output);
      const done = await watched(await startBacktest(request));
      const name = options.version === undefined ? 'the rules' : `version ${options.version}`;
      process.stdout.write(`${json === true ? JSON.stringify(done, null, 2) : backtestText(done.report, name, table)}\n`);
      if (output === undefined) return;
      await downloadRows(done.backtestId, output);
      if (json !== true) process.stdout.write(`\nRows: ${output}\n`);
    });
}

async function candidateOf({ version, rules }: Options): Promise<object> {
  if ((version === undefined) === (rules === undefined)) throw new ContractError('invalid_request', 'it is not clear what to try', { cure: 'Name one of --version and --rules.' });
  if (rules === undefined) return { version };
  try {
    return { rules: parse(await readFile(rules, 'utf8'), { version: '1.2' }) as unknown };
  } catch (cause) {
    throw new ContractError('invalid_request', `cannot read ${rules}: ${(cause as Error).message}`, { cause, cure: 'Name a rules document; docs/serving.md has examples.' });
  }
}

/** Ctrl-C ends the job as well: nobody waits for it any more. */
async function watched(started: Backtest): ReturnType<typeof finished> {
  const progress = new Progress();
  const interrupt = (): void => {
    progress.end();
    void cancelBacktest(started.backtestId).finally(() => process.exit(EXIT_INTERRUPTED));
  };
  process.once('SIGINT', interrupt);
  try {
    return await finished(started, ({ status, progress: { done, total } }) => progress.update(status === 'queued' ? 'waits for its turn' : bar(done, total)));
  } finally {
    process.off('SIGINT', interrupt);
    progress.end();
  }
}

function bar(done: number, total: number | null): string {
  if (total === null || total === 0) return 'loads the candidate';
  const filled = Math.round(Math.min(1, done / total) * BAR_WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} predictions`;
}
