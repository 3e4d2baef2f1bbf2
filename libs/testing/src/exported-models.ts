import { readFileSync } from 'node:fs';
import type { FeatureSpec, ModelSignature } from '@throughline/contracts';

type Value = number | string | boolean;

export interface ExportedTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: number[];
  readonly data: Value[];
}

/** A graph that another framework has written, with rows and what that framework answers to them. */
export interface ExportedModel {
  readonly name: string;
  readonly features: FeatureSpec[];
  readonly score: NonNullable<ModelSignature['score']>;
  readonly inputs: ExportedTensor[];
  readonly outputs: ExportedTensor[];
  /** The bytes of the graph. */
  readonly graph: () => Buffer;
}

const folder = new URL('../../../tools/onnx-fixtures/', import.meta.url);

/** Those that can be served; `tools/onnx-fixtures` makes them. */
export function exportedModels(): ExportedModel[] {
  const fixtures = JSON.parse(readFileSync(new URL('fixtures.json', folder), 'utf8')) as (Omit<ExportedModel, 'graph'> | { refused: string })[];
  return fixtures.filter((fixture) => 'inputs' in fixture).map((fixture) => ({ ...fixture, graph: () => readFileSync(new URL(`models/${fixture.name}.onnx`, folder)) }));
}
