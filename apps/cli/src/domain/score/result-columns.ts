import type { TensorSpec } from '@throughline/contracts';
import type { RowAnswer } from './answers.js';
import type { Column, ColumnType } from './rows.js';

export type ScoredAnswer = Extract<RowAnswer, { outputs: unknown }>;

export interface ResultColumn extends Column {
  /** Value of a row: numbered from 1, its cells, its answer. */
  readonly value: (row: number, cells: readonly unknown[], answer: ScoredAnswer) => unknown;
}

const TYPE_OF: Readonly<Record<string, ColumnType>> = { FP16: 'DOUBLE', FP32: 'DOUBLE', FP64: 'DOUBLE', INT8: 'INT64', INT16: 'INT64', INT32: 'INT64', INT64: 'INT64', UINT8: 'INT64', BOOL: 'BOOLEAN', BYTES: 'STRING' };

/**
 * Columns of a result: row, prediction_id, what is carried through, the outputs, score, version, fallback. An output of one value is that value, of
 * several a list. A carried column whose name is taken is called `input_…`.
 *
 * @param seen names of the outputs that came, and whether one had several values
 */
export function resultColumns(input: readonly Column[], carried: readonly number[], outputs: readonly TensorSpec[], seen: Readonly<Record<string, boolean>>): ResultColumn[] {
  const names = [...outputs.map(({ name }) => name), ...Object.keys(seen).filter((name) => outputs.every((output) => output.name !== name))];
  const produced: ResultColumn[] = [
    ...names.map((name) => outputColumn(name, outputs.find((output) => output.name === name)?.datatype, seen[name] === true)),
    { name: 'score', type: 'DOUBLE', value: (_, __, { score }) => score },
    { name: 'version', type: 'STRING', value: (_, __, { version }) => version },
    { name: 'fallback', type: 'STRING', value: (_, __, { fallback }) => fallback },
  ];
  const taken = new Set(['row', 'prediction_id', ...produced.map(({ name }) => name)]);
  return [
    { name: 'row', type: 'INT64', value: (row) => row },
    { name: 'prediction_id', type: 'STRING', value: (_, __, { predictionId }) => predictionId },
    ...carried.map((index): ResultColumn => ({ name: freeName(input[index]!.name, taken), type: input[index]!.type, value: (_, cells) => cells[index] })),
    ...distinct(produced),
  ];
}

function outputColumn(name: string, datatype: string | undefined, isWide: boolean): ResultColumn {
  const type = isWide || datatype === undefined ? 'JSON' : (TYPE_OF[datatype] ?? 'JSON');
  return { name, type, value: isWide ? (_, __, { outputs }) => outputs[name] : (_, __, { outputs }) => outputs[name]?.[0] };
}

/** An output may be called `score`; it is then the one of the two that stays. */
const distinct = (columns: readonly ResultColumn[]): ResultColumn[] => columns.filter(({ name }, index) => columns.findIndex((other) => other.name === name) === index);

function freeName(name: string, taken: Set<string>): string {
  let free = name;
  while (taken.has(free)) free = `input_${free}`;
  taken.add(free);
  return free;
}
