import { readDocument, type RulesDocument, type RulesFeature, type RulesTask } from './document.js';
import { RulesError } from './errors.js';
import { compileExpression, type Expression, type RowValues, type RulesValue } from './expression.js';
import { environmentOf, type RulesType } from './language.js';

/** Longest text that a row may bring to an expression, or get from one. */
export const MAX_TEXT_LENGTH = 4096;

const DATATYPES = { double: 'FP64', int: 'INT64', bool: 'BOOL', string: 'BYTES' } as const satisfies Record<RulesType, string>;
export type RulesDatatype = (typeof DATATYPES)[RulesType];

export interface RulesTensor {
  name: string;
  datatype: RulesDatatype;
  shape: number[];
}

/** What a model's signature says, as rules say it: each feature is an input of its own. */
export interface RulesSignature {
  inputs: RulesTensor[];
  outputs: RulesTensor[];
  features: RulesFeature[];
  entities?: Record<string, string>;
  task: RulesTask;
  score?: { output: string; index: 0; threshold?: number };
}

export type RulesColumn = Float64Array | BigInt64Array | Uint8Array | string[];

/** One output of a batch, one value a row; BOOL as 0 and 1, BYTES as strings. */
export interface RulesOutput {
  name: string;
  datatype: RulesDatatype;
  data: RulesColumn;
  rowWidth: 1;
}

export interface RulesRun {
  outputs: RulesOutput[];
  /** Reason by row, for rows that no output can be computed of; their place in the outputs means nothing. */
  failures: Map<number, string>;
}

const ALLOCATE: Record<RulesDatatype, (rows: number) => RulesColumn> = {
  FP64: (rows) => new Float64Array(rows),
  INT64: (rows) => new BigInt64Array(rows),
  BOOL: (rows) => new Uint8Array(rows),
  BYTES: (rows) => new Array<string>(rows).fill(''),
};

/** A rules document ready to score. Evaluation is pure: the same row gives the same values, whatever its batch. */
export class CompiledRules {
  private constructor(
    readonly signature: RulesSignature,
    private readonly expressions: readonly (Expression & { readonly name: string })[],
  ) {}

  /** @throws RulesError */
  static of(document: RulesDocument): CompiledRules {
    const environment = environmentOf(document.features);
    const kinds = new Map(document.features.map(({ name, kind }) => [name, kind === 'numeric' ? ('double' as const) : ('string' as const)]));
    const expressions = Object.entries(document.outputs).map(([name, text]) => ({ name, ...compileExpression(name, text, environment, (feature) => kinds.get(feature)) }));
    const score = expressions.find(({ name }) => name === document.score);
    if (score !== undefined && score.type !== 'double' && score.type !== 'int') throw new RulesError(`it yields ${score.type}, and the score must be a number`, { output: score.name, cure: 'Name a numeric output in “score”, or write cond ? 1.0 : 0.0.' });
    return new CompiledRules(signatureOf(document, expressions), expressions);
  }

  /**
   * Scores a batch.
   *
   * @param columns by name of the feature, `rowCount` values each: doubles for numeric features, strings for categorical ones
   */
  run(columns: Readonly<Record<string, unknown>>, rowCount: number): RulesRun {
    const features = this.signature.features.map(({ name, kind }) => ({ name, isText: kind === 'categorical', data: columns[name] as ArrayLike<number | string> }));
    const outputs = this.expressions.map(({ name, type, evaluate }) => ({ name, datatype: DATATYPES[type], data: ALLOCATE[DATATYPES[type]](rowCount), evaluate }));
    const failures = new Map<number, string>();
    const row: RowValues = Object.create(null) as RowValues;
    for (let index = 0; index < rowCount; index++) {
      const failure = readRow(features, index, row) ?? writeRow(outputs, index, row);
      if (failure !== undefined) failures.set(index, failure);
    }
    return { outputs: outputs.map(({ name, datatype, data }) => ({ name, datatype, data, rowWidth: 1 })), failures };
  }
}

/**
 * Reads a rules document and checks that it can serve.
 *
 * @param bytes UTF-8 JSON
 * @throws RulesError that says which output, where, and what to do
 */
export function parseRules(bytes: Uint8Array): RulesDocument {
  const document = readDocument(bytes);
  CompiledRules.of(document);
  return document;
}

/** @throws RulesError */
export const compileRules = (document: RulesDocument): CompiledRules => CompiledRules.of(document);

function readRow(features: readonly { name: string; isText: boolean; data: ArrayLike<number | string> }[], index: number, row: RowValues): string | undefined {
  for (const { name, isText, data } of features) {
    const value = data[index]!;
    if (isText && (value as string).length > MAX_TEXT_LENGTH) return `“${name}” is longer than ${MAX_TEXT_LENGTH} characters`;
    row[name] = value;
  }
  return undefined;
}

function writeRow(outputs: readonly { name: string; data: RulesColumn; evaluate: Expression['evaluate'] }[], index: number, row: RowValues): string | undefined {
  for (const { name, data, evaluate } of outputs) {
    try {
      const value = evaluate(row);
      const fault = faultOf(value);
      if (fault !== undefined) return `output “${name}” is ${fault}`;
      data[index] = typeof value === 'boolean' ? Number(value) : value;
    } catch (thrown) {
      // The summary may repeat values of the row; the code does not.
      return `output “${name}” fails: ${((thrown as { code?: string }).code ?? 'internal').replaceAll('_', ' ')}`;
    }
  }
  return undefined;
}

function faultOf(value: RulesValue): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? 'NaN; guard the expression with isNaN(…)' : 'infinite; guard the division';
  if (typeof value === 'string' && value.length > MAX_TEXT_LENGTH) return `longer than ${MAX_TEXT_LENGTH} characters`;
  return undefined;
}

function signatureOf({ features, entities, score, threshold, task }: RulesDocument, expressions: readonly (Expression & { readonly name: string })[]): RulesSignature {
  return {
    inputs: features.map(({ name, kind }) => ({ name, datatype: kind === 'numeric' ? 'FP64' : 'BYTES', shape: [-1, 1] })),
    outputs: expressions.map(({ name, type }) => ({ name, datatype: DATATYPES[type], shape: [-1, 1] })),
    features: [...features],
    ...(entities === undefined ? {} : { entities: { ...entities } }),
    task: task ?? (score === undefined ? 'other' : threshold === undefined ? 'regression' : 'binary_classification'),
    ...(score === undefined ? {} : { score: { output: score, index: 0, ...(threshold === undefined ? {} : { threshold }) } }),
  };
}
