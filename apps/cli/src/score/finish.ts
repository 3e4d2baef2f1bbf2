import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { rejectedOf, type RowAnswer, type Tally } from '../domain/score/answers.js';
import type { ColumnPlan } from '../domain/score/column-plan.js';
import { resultColumns, type ResultColumn } from '../domain/score/result-columns.js';
import type { InputRow } from '../domain/score/rows.js';
import type { TensorSpec } from '@throughline/contracts';
import type { Format } from './formats.js';
import type { RowSource } from './input/source.js';
import type { JobFolder } from './job-folder.js';
import { writeParquet } from './output/parquet.js';
import { jsonValue, writeCsv, writeJsonLines } from './output/text.js';
import type { ResultRow, TableWriter } from './output/writer.js';

const WRITER: Readonly<Record<Format, TableWriter>> = { csv: writeCsv, jsonl: writeJsonLines, parquet: writeParquet };

export interface FinishOptions {
  readonly folder: JobFolder;
  readonly source: RowSource;
  readonly plan: ColumnPlan;
  readonly outputs: readonly TensorSpec[];
  readonly tally: Tally;
  readonly output: string;
  readonly format: Format;
  readonly onProgress: (rows: number) => void;
}

/** Where the rows are that got no score. */
export const rejectedFile = (output: string): string => `${output}.rejected.jsonl`;

/** Joins the input to its answers, row by row, and puts both files into place when they are whole. */
export async function writeResults({ folder, source, plan, outputs, tally, output, format, onProgress }: FinishOptions): Promise<void> {
  const columns = resultColumns(source.columns, plan.carried, outputs, tally.outputs);
  const needed = new Set([...plan.needed, ...plan.carried.map((index) => source.columns[index]!.name)]);
  const [scoredPart, rejectedPart] = [join(folder.path, 'output'), join(folder.path, 'rejected')];
  const rejected = openSync(rejectedPart, 'w');
  async function* blocks(): AsyncGenerator<ResultRow[]> {
    let row = 0;
    for await (const pairs of pairsOf(source.rows(needed), folder.answers())) {
      const rows: ResultRow[] = [];
      for (const { input, answer } of pairs) {
        row += 1;
        if ('rejected' in answer) writeSync(rejected, `${JSON.stringify(rejectedLine(row, input, answer, source))}\n`);
        else rows.push(columns.map((column: ResultColumn) => column.value(row, input.cells ?? [], answer)));
      }
      onProgress(row);
      yield rows;
    }
  }
  await WRITER[format](scoredPart, columns, blocks());
  fsyncSync(rejected);
  closeSync(rejected);
  if (rejectedOf(tally) > 0) renameSync(rejectedPart, rejectedFile(output));
  else rmSync(rejectedFile(output), { force: true });
  renameSync(scoredPart, output);
  folder.remove();
}

interface Pair {
  readonly input: InputRow;
  readonly answer: RowAnswer;
}

/** Both are in the order of the rows; their blocks are not of one size. */
async function* pairsOf(inputs: AsyncIterable<readonly InputRow[]>, answers: AsyncGenerator<readonly RowAnswer[]>): AsyncGenerator<Pair[]> {
  let block: readonly RowAnswer[] = [];
  let next = 0;
  for await (const rows of inputs) {
    const pairs: Pair[] = [];
    for (const input of rows) {
      while (next >= block.length) {
        const read = await answers.next();
        if (read.done === true) throw new Error('the job’s folder has fewer answers than the input has rows');
        block = read.value;
        next = 0;
      }
      pairs.push({ input, answer: block[next]! });
      next += 1;
    }
    yield pairs;
  }
}

function rejectedLine(row: number, input: InputRow, { predictionId, rejected }: Extract<RowAnswer, { rejected: unknown }>, { columns }: RowSource): object {
  const where = input.cells === undefined ? { raw: input.raw } : { input: Object.fromEntries(columns.map(({ name }, index) => [name, jsonValue(input.cells[index])])) };
  return { row, ...(predictionId === undefined ? {} : { predictionId }), ...rejected, ...where };
}
