import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createBus, type Bus } from '@throughline/bus/client';
import { ContractError, type ServedVersion } from '@throughline/contracts';
import type { CliConfig } from '../config.js';
import type { Tally } from '../domain/score/answers.js';
import { planColumns, type ColumnOptions, type ColumnPlan } from '../domain/score/column-plan.js';
import { Progress } from '../terminal.js';
import { rejectedFile, writeResults } from './finish.js';
import type { Format } from './formats.js';
import { openInput, type OpenInput } from './input/open.js';
import { checkIds } from './input/unique.js';
import { openJob, type OpenJob } from './job.js';
import { JobFolder } from './job-folder.js';
import { ScoreMeter } from './meter.js';
import { JobRun } from './run.js';
import { servedVersion } from './served.js';
import { whatIsWaitedFor } from './waiting.js';

/** A file may wait longer for brokers than a person does. */
const CLIENT = { clientId: 'throughline-score', sendPatienceMs: 60_000 };

export interface ScoreOptions extends ColumnOptions {
  readonly model: string;
  readonly version?: string | undefined;
  readonly team?: string | undefined;
  readonly deadlineMs?: number | undefined;
  readonly input: string;
  readonly inputFormat: Format;
  readonly output: string;
  readonly outputFormat: Format;
  readonly overwrite: boolean;
  readonly restart: boolean;
}

export interface ScoreReport {
  readonly rows: number;
  /** Rows with an answer; fewer than `rows` when the job was interrupted. */
  readonly answered: number;
  readonly tally: Tally;
  readonly source: string;
  readonly seconds: number;
  /** Rows that this run added. */
  readonly answeredNow: number;
}

/** Where a job keeps what it must not forget. */
export const folderOf = (output: string): string => `${output}.score`;

/**
 * Scores a file through the batch lane, or goes on where an earlier run was interrupted. `say` gets what a person should know on the way. When the
 * signal is aborted it stops in order: with a report of what was answered, or, before and after that, with the signal's reason.
 *
 * @throws ContractError for what is wrong with the file, the options, the model or the brokers
 */
export async function scoreFile(config: CliConfig, options: ScoreOptions, signal: AbortSignal, say: (line: string) => void): Promise<ScoreReport> {
  checkOutput(options);
  const reading = new Progress();
  const input = await openInput(options.input, options.inputFormat, (doing) => {
    signal.throwIfAborted();
    reading.update(doing);
  }).finally(() => reading.end());
  const bus = createBus(config, CLIENT);
  try {
    const served = await servedVersion(bus, options.model, options.version);
    const plan = planColumns(input.source.columns, served, options);
    if (plan.id !== undefined) await checkIds(input.source, plan.id);
    say(mappingText(input, plan, served));
    const folder = JobFolder.open(folderOf(options.output), options);
    try {
      return await work({ bus, folder, input, plan, served, options, signal, say });
    } finally {
      folder.close();
    }
  } finally {
    await bus.close();
  }
}

interface Work {
  readonly bus: Bus;
  readonly folder: JobFolder;
  readonly input: OpenInput;
  readonly plan: ColumnPlan;
  readonly served: ServedVersion;
  readonly options: ScoreOptions;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

async function work({ bus, folder, input: { source, sha256 }, plan, served, options, signal, say }: Work): Promise<ScoreReport> {
  const { model, version, team, deadlineMs, entities, routingKey, occurredAt, idColumn, output, outputFormat: format } = options;
  const request = { model, version, team, deadlineMs };
  const startMs = Date.now();
  const opened = await openJob(bus, folder, { inputSha256: sha256, rows: source.rowCount, request: { ...request, entities, routingKey, occurredAt, idColumn } });
  const { job, checkpoint, sentBefore } = opened;
  if (opened.isResumed) say(resumeText(opened, source.rowCount));
  const run = new JobRun({ bus, folder, source, plan, request, checkpoint, sentBefore, signal, eventSource: job.source });
  await metered(run, bus, source.rowCount);
  const report = { rows: source.rowCount, answered: run.released, answeredNow: run.released - checkpoint.released, tally: run.tallied, source: job.source, seconds: (Date.now() - startMs) / 1000 };
  if (run.released < source.rowCount) return report;
  const writing = new Progress();
  const onProgress = (rows: number): void => {
    signal.throwIfAborted();
    writing.update(`writing ${output}: ${rows.toLocaleString('en-US')} of ${source.rowCount.toLocaleString('en-US')} rows`);
  };
  await writeResults({ folder, source, plan, tally: run.tallied, outputs: served.signature.outputs, output, format, onProgress }).finally(() => writing.end());
  return report;
}

async function metered(run: JobRun, bus: Bus, rows: number): Promise<void> {
  const meter = new ScoreMeter(rows, run.released);
  let note = '';
  const timer = setInterval(() => {
    meter.update(run.released, Date.now(), note);
    void whatIsWaitedFor(run, bus, Date.now()).then((found) => (note = found));
  }, ScoreMeter.refreshMs);
  try {
    await run.run();
  } finally {
    clearInterval(timer);
    meter.end();
  }
}

function checkOutput({ output, overwrite, input }: ScoreOptions): void {
  const refuse = (reason: string, cure: string): ContractError => new ContractError('invalid_request', reason, { cure });
  if (output === input) throw refuse('the output would replace the input', 'Choose another --output.');
  try {
    accessSync(dirname(output), constants.W_OK);
  } catch {
    throw refuse(`cannot write to ${dirname(output)}`, 'Choose an --output in a folder that is there and may be written to.');
  }
  if (!existsSync(output)) return;
  if (!statSync(output).isFile()) throw refuse(`${output} is no file`, 'Choose another --output.');
  if (!overwrite && !JobFolder.exists(folderOf(output))) throw refuse(`${output} is there already`, 'Give --overwrite, or choose another --output.');
}

function mappingText({ source }: OpenInput, plan: ColumnPlan, { signature, version }: ServedVersion): string {
  const given = new Set(plan.features.map(({ name }) => name));
  const otherwise = signature.features.filter(({ name }) => !given.has(name)).map(({ name, from }) => (from === undefined ? `${name} (default)` : `${name} (feature store)`));
  const lines = [`${source.rowCount.toLocaleString('en-US')} rows for version ${version}, features from columns: ${[...given].join(', ') || 'none'}`];
  if (otherwise.length > 0) lines.push(`features from elsewhere: ${otherwise.join(', ')}`);
  return lines.join('\n');
}

function resumeText({ checkpoint: { released }, sentBefore, isForgotten }: OpenJob, rows: number): string {
  const known = `Going on: ${released.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} rows have their answers`;
  if (isForgotten) return `${known}; Kafka has forgotten what was under way, which is asked for again.`;
  return sentBefore.size === 0 ? `${known}.` : `${known}; of the others, what had been sent is waited for, not sent again.`;
}

export { rejectedFile };
