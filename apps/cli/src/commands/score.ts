import { resolve } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readConfig } from '../config.js';
import { rejectedOf } from '../domain/score/answers.js';
import { FORMATS, formatOf, type Format } from '../score/formats.js';
import { JobFolder } from '../score/job-folder.js';
import { durationText } from '../score/meter.js';
import { folderOf, rejectedFile, scoreFile, type ScoreOptions, type ScoreReport } from '../score/score.js';
import { table } from '../terminal.js';

/** What a shell reports of a process that ended with Ctrl-C. */
const EXIT_INTERRUPTED = 130;

interface Flags {
  readonly model: string;
  readonly version?: string;
  readonly input: string;
  readonly output: string;
  readonly inputFormat?: Format;
  readonly outputFormat?: Format;
  readonly entity?: Readonly<Record<string, string>>;
  readonly routingKey?: string;
  readonly occurredAt?: string;
  readonly idColumn?: string;
  readonly columns?: readonly string[];
  readonly team?: string;
  readonly deadline?: number;
  readonly overwrite?: boolean;
  readonly restart?: boolean;
}

export function scoreCommand(program: Command): void {
  program
    .command('score')
    .description('Score a file: Parquet, CSV or JSON Lines in, the same rows with their predictions out, in the same order')
    .requiredOption('--model <model>', 'model to ask')
    .requiredOption('--input <file>', 'rows to score; columns are features by their name')
    .requiredOption('--output <file>', 'where the results go')
    .option('--version <version>', 'pin this version instead of the champion and its rollout')
    .addOption(new Option('--input-format <format>', 'instead of what the name of the file says').choices(FORMATS))
    .addOption(new Option('--output-format <format>', 'instead of what the name of the file says').choices(FORMATS))
    .option('--entity <role=column>', 'column with the entity of a role, where stored features are looked up; may be given several times', entity)
    .option('--routing-key <column>', 'column with the routing key: decides order and the arm of a rollout')
    .option('--occurred-at <column>', 'column with the event time, RFC 3339 with a zone; default now')
    .option('--id-column <column>', 'column whose value is the id of the request; must be unique; default the number of the row')
    .option('--columns <columns>', 'input columns to carry through, separated by commas; default all', (text: string) => text.split(',').filter((name) => name !== ''))
    .option('--team <team>', 'who pays')
    .option('--deadline <milliseconds>', 'how long a request may wait, or none; default none', deadline)
    .option('--overwrite', 'replace an output that is there')
    .option('--restart', 'throw an unfinished job away and begin anew')
    .addHelpText('after', `
Every row is a request on prediction.requested.batch.v1, the lane that yields to all others. The output has the columns row, prediction_id, those of the
input, the model's outputs, score, version and fallback. Rows that got no score are in OUTPUT.rejected.jsonl, with code, reason and cure.
Interrupted, by Ctrl-C or worse, the same command goes on where it was; nothing that was sent is sent again. What it remembers is in OUTPUT.score/.
Exit code 0: every row was scored; 1: some were rejected; 2: it could not be done; 130: interrupted.

Examples:
  npx throughline score --model flight-delay --input flights.csv --output scored.csv
  npx throughline score --model flight-delay --input flights.parquet --output scored.jsonl --entity origin=origin --occurred-at departure --routing-key flight
  npx throughline score --model flight-delay --version 2 --input flights.jsonl --output scored.parquet --columns flight,carrier --team pricing`)
    .action(async (flags: Flags) => {
      const options = optionsOf(flags);
      const report = await interruptible((signal) => scoreFile(readConfig(process.env), options, signal, (line) => process.stderr.write(`${line}\n`)), options);
      const isDone = report !== undefined && report.answered === report.rows;
      process.stdout.write(isDone ? render(report, options) : interruptedText(report));
      process.exitCode = !isDone ? EXIT_INTERRUPTED : rejectedOf(report.tally) > 0 ? 1 : 0;
    });
}

function optionsOf({ entity: entities = {}, deadline: deadlineMs, input, output, inputFormat, outputFormat, overwrite = false, restart = false, ...flags }: Flags): ScoreOptions {
  return {
    ...flags, entities, deadlineMs, overwrite, restart, input: resolve(input), output: resolve(output),
    inputFormat: formatOf(input, inputFormat, '--input-format'), outputFormat: formatOf(output, outputFormat, '--output-format'),
  };
}

function entity(text: string, before: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const [, role, column] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (role === undefined || column === undefined) throw new InvalidArgumentError('Expected ROLE=COLUMN, such as origin=airport.');
  return { ...before, [role]: column };
}

function deadline(text: string): number | undefined {
  if (text === 'none') return undefined;
  const deadlineMs = Number(text);
  if (!(deadlineMs > 0 && Number.isFinite(deadlineMs))) throw new InvalidArgumentError('Expected milliseconds, more than 0, or none.');
  return deadlineMs;
}

/** The first Ctrl-C stops in order, the second at once; both leave a job that can be gone on with. */
async function interruptible(score: (signal: AbortSignal) => Promise<ScoreReport>, { output }: ScoreOptions): Promise<ScoreReport | undefined> {
  const interruption = new AbortController();
  const interrupt = (): void => {
    if (interruption.signal.aborted) process.exit(EXIT_INTERRUPTED);
    process.stderr.write('\nStopping; what is known is being written down. Once more ends at once.\n');
    interruption.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await score(interruption.signal);
  } catch (error) {
    if (error === interruption.signal.reason) return undefined;
    throw JobFolder.exists(folderOf(output)) ? withHowToGoOn(error, folderOf(output)) : error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** What broke from outside, brokers or disk, broke no job. */
function withHowToGoOn(error: unknown, folder: string): unknown {
  const again = `. The job in ${folder} can be gone on with: the same command again`;
  if (error instanceof ContractError) return error.code === 'unavailable' ? new ContractError(error.code, `${error.message}${again}`, { cure: error.cure, cause: error }) : error;
  const { syscall, message } = error as NodeJS.ErrnoException;
  return syscall === undefined ? error : new ContractError('unavailable', `${message}${again}`, { cure: 'Make room on the disk, or mend what the message names.', cause: error });
}

function interruptedText(report: ScoreReport | undefined): string {
  const how = report === undefined ? '' : `: ${report.answered.toLocaleString('en-US')} of ${report.rows.toLocaleString('en-US')} rows have their answers`;
  return `Interrupted${how}. Go on with the same command:\n  npx throughline ${process.argv.slice(2).filter((word) => word !== '--restart').map(quoted).join(' ')}\n`;
}

function render({ rows, answeredNow, tally, source, seconds }: ScoreReport, { output, idColumn }: ScoreOptions): string {
  const rejected = rejectedOf(tally);
  const counts = (name: string, found: Readonly<Record<string, number>>): [string, number][] => Object.entries(found).map(([kind, count]) => [`  ${name} ${kind}`, count]);
  const lines = [
    table([['Rows', rows], ['Scored', tally.scored], ...counts('by fallback', tally.fallbacks), ['Rejected', rejected], ...counts('with', tally.rejected)]),
    `${answeredNow.toLocaleString('en-US')} in ${durationText(seconds)}, ${Math.round(answeredNow / Math.max(seconds, 0.001)).toLocaleString('en-US')}/s`,
    `Results: ${output}`, ...(rejected > 0 ? [`Rejected rows: ${rejectedFile(output)}`] : []), `Requests: source ${source}, id ${idColumn === undefined ? 'the number of the row' : `as in the column ${idColumn}`}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** As a shell takes it. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
