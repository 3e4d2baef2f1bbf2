import { Type, type Static } from '@sinclair/typebox';
import { ContractError, FeatureValue, GoldenInputs, type ModelSignature } from '@throughline/contracts';
import {
  allocateColumns, assembleRow, describeGoldenMismatch, goldenMismatch, isPackError, outputRow, packRow, planPacking, type FeatureScalar, type GoldenColumn, type PackedColumns,
} from '@throughline/features';

/** They travel in every deployment event of their version. */
const MAX_GOLDEN_BYTES = 64 * 1024;

const { absoluteTolerance, relativeTolerance } = GoldenInputs.properties;

/** Golden inputs as an uploader gives them. */
export const GoldenRequest = Type.Object({
  rows: Type.Array(Type.Object({
    features: Type.Union([
      Type.Record(Type.String(), FeatureValue, { description: 'by name; what is missing has its default' }),
      Type.Array(FeatureValue, { description: 'in the order of the features' }),
    ]),
    outputs: Type.Optional(Type.Record(Type.String(), Type.Array(Type.Any()), { description: 'output name to the values of the row; what is left out is taken from the version as it is registered' })),
  }, { additionalProperties: false }), { minItems: 1, maxItems: 32 }),
  absoluteTolerance, relativeTolerance,
}, { additionalProperties: false, description: 'rows with the outputs that the version must answer them with, here and on every worker' });
export type GoldenRequest = Static<typeof GoldenRequest>;

/** Golden rows as the model's input tensors. */
export interface GoldenFeeds {
  readonly values: FeatureScalar[][];
  readonly columns: PackedColumns;
  readonly rowCount: number;
}

/**
 * Completes and packs the golden rows as requests are.
 *
 * @throws ContractError `invalid_request` that names the row and the feature or output
 */
export function goldenFeeds({ rows }: GoldenRequest, signature: ModelSignature): GoldenFeeds {
  const plan = planPacking(signature);
  const columns = allocateColumns(plan, rows.length);
  const outputs = new Set(signature.outputs.map(({ name }) => name));
  const values = rows.map(({ features, outputs: promised = {} }, row) => {
    const at = `golden.rows.${row}`;
    checkNames(features, signature, at);
    const unknown = Object.keys(promised).find((name) => !outputs.has(name));
    if (unknown !== undefined) throw invalid(`${at}.outputs: there is no output “${unknown}”`);
    const given = (Array.isArray(features) ? { positional: features.map(present) } : { named: Object.fromEntries(Object.entries(features).map(([name, value]) => [name, present(value)])) });
    const assembled = assembleRow(plan, given);
    if (isPackError(assembled)) throw invalid(`${at}.features: ${assembled.reason}`);
    const error = packRow(plan, columns, row, assembled.values);
    if (error !== undefined) throw invalid(`${at}.features: ${error.reason}`);
    return assembled.values;
  });
  return { values, columns, rowCount: rows.length };
}

/**
 * Holds the version's own answers against what was promised, and freezes what was not: from here on every worker must see these.
 *
 * @param answers of the rows in their order
 * @throws ContractError `artifact_golden_mismatch` that names row, output, got and promised
 */
export function freezeGolden({ rows, ...tolerances }: GoldenRequest, { values }: GoldenFeeds, answers: readonly GoldenColumn[]): GoldenInputs {
  const mismatch = goldenMismatch({ rows: rows.map(({ outputs = {} }, row) => ({ values: values[row]!, outputs })), ...tolerances }, answers);
  if (mismatch !== undefined) throw new ContractError('artifact_golden_mismatch', describeGoldenMismatch(mismatch));
  const frozen = rows.map(({ outputs = {} }, row) => ({
    values: values[row]!,
    outputs: Object.fromEntries(answers.map((answer) => [answer.name, outputs[answer.name] ?? outputRow(answer, row)])),
  }));
  const sizeBytes = Buffer.byteLength(JSON.stringify(frozen));
  if (sizeBytes > MAX_GOLDEN_BYTES) throw new ContractError('invalid_request', `metadata: the golden rows take ${sizeBytes} bytes, more than the ${MAX_GOLDEN_BYTES} that a deployment event can carry`, { cure: 'Send fewer rows: one for each branch that matters is enough.' });
  return { rows: frozen, ...tolerances };
}

function checkNames(features: GoldenRequest['rows'][number]['features'], signature: ModelSignature, at: string): void {
  if (Array.isArray(features)) {
    if (features.length !== signature.features.length) throw invalid(`${at}.features has ${features.length} values for ${signature.features.length} features`);
    return;
  }
  const unknown = Object.keys(features).find((name) => !signature.features.some((feature) => feature.name === name));
  if (unknown !== undefined) throw invalid(`${at}.features: there is no feature “${unknown}”`);
}

const present = (value: FeatureScalar | null): FeatureScalar | undefined => value ?? undefined;
const invalid = (reason: string): ContractError => new ContractError('invalid_request', `metadata: ${reason}`, { cure: 'Golden rows are rows as requests send them: {"features": {"distance": 12}, "outputs": {"probability": [0.3]}}.' });
