import { broken, fieldHeader, Fields, LENGTH_DELIMITED, VARINT } from './wire.js';

/** A tensor whose values lie outside the file, as far as it says. */
export interface ExternalTensor {
  readonly name: string;
  readonly dataType: number;
  /** Says that its values are elsewhere. */
  readonly isExternal: boolean;
  /** Has values in the file as well. */
  readonly hasValues: boolean;
  /** `location`, `offset`, `length` and the like, as they come: a key may come twice. */
  readonly entries: readonly (readonly [key: string, value: string])[];
}

/** Bytes of a file beside the graph. */
export interface FileRange {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** What an encoded model is made of, in order. */
export type Part = Uint8Array | FileRange;

/** Where a tensor's values are; `undefined` leaves it as it is. */
type Resolve = (tensor: ExternalTensor) => FileRange | undefined;

/** Fields of a message that lead to tensors, by number; a tensor has none. As in onnx.proto of ONNX 1.23. */
interface Kind {
  readonly [field: number]: Kind;
}

const TENSOR: Kind = {};
const SPARSE_TENSOR: Kind = { 1: TENSOR, 2: TENSOR };
const GRAPH: Record<number, Kind> = { 5: TENSOR, 15: SPARSE_TENSOR };
const ATTRIBUTE: Kind = { 5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE_TENSOR, 23: SPARSE_TENSOR };
const NODE: Kind = { 5: ATTRIBUTE };
GRAPH[1] = NODE;
const MODEL: Kind = { 7: GRAPH, 20: { 1: GRAPH, 2: GRAPH }, 25: { 7: NODE, 11: ATTRIBUTE } };

const DATA_TYPE = 2;
const NAME = 8;
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
/** float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data. */
const VALUES: ReadonlySet<number> = new Set([4, 5, 6, 7, RAW_DATA, 10, 11]);
/** The readers of Protocol Buffers go no deeper. */
const MAX_DEPTH = 100;

/**
 * The name of a tensor whose values lie outside the file, wherever in the model it hides: initialisers, attributes,
 * subgraphs, functions, training info. ONNX Runtime would look for it relative to the current directory.
 *
 * @throws ContractError `artifact_not_onnx`
 */
export function findExternalData(model: Uint8Array): string | undefined {
  let found: string | undefined;
  resolveTensors(model, ({ name }) => {
    found ??= name;
    return undefined;
  });
  return found;
}

/**
 * The model with the values of its external tensors inside. All else stays byte by byte, whatever newer versions of ONNX have put
 * there: decoding and encoding would lose what the decoder does not know.
 *
 * @throws ContractError `artifact_not_onnx`, and what `resolve` throws
 */
export function resolveTensors(model: Uint8Array, resolve: Resolve): Part[] {
  return rewrite(new Fields(model, 0, model.length), MODEL, resolve, 1) ?? [model];
}

export const sizeOfParts = (parts: readonly Part[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** @returns `undefined` when nothing changes */
function rewrite(fields: Fields, kind: Kind, resolve: Resolve, depth: number): Part[] | undefined {
  if (depth > MAX_DEPTH) throw broken();
  const { bytes, end: start } = fields;
  const parts: Part[] = [];
  let kept = start;
  while (fields.next()) {
    const inner = fields.wireType === LENGTH_DELIMITED ? kind[fields.number] : undefined;
    if (inner === undefined) continue;
    const message = new Fields(bytes, fields.content, fields.end);
    const changed = inner === TENSOR ? rewriteTensor(message, resolve) : rewrite(message, inner, resolve, depth + 1);
    if (changed === undefined) continue;
    parts.push(bytes.subarray(kept, fields.start), fieldHeader(fields.number, sizeOfParts(changed)));
    for (const part of changed) parts.push(part);
    kept = fields.end;
  }
  if (parts.length === 0) return undefined;
  parts.push(bytes.subarray(kept, fields.end));
  return parts;
}

function rewriteTensor(fields: Fields, resolve: Resolve): Part[] | undefined {
  const { bytes } = fields;
  const entries: [string, string][] = [];
  const rest: Part[] = [];
  let [name, dataType, isExternal, hasValues] = ['', 0, false, false];
  while (fields.next()) {
    const { number, wireType, content, end } = fields;
    const isMessage = wireType === LENGTH_DELIMITED;
    if (number === EXTERNAL_DATA && isMessage) entries.push(readEntry(new Fields(bytes, content, end)));
    // Whatever else than 0 it is: readers cut it down to 32 bits.
    else if (number === DATA_LOCATION && wireType === VARINT) isExternal ||= fields.value !== 0;
    else if (VALUES.has(number)) hasValues ||= !isMessage || end > content;
    else {
      if (number === NAME && isMessage) name = text(bytes, content, end);
      if (number === DATA_TYPE) dataType = fields.value;
      rest.push(bytes.subarray(fields.start, end));
    }
  }
  if (!isExternal && entries.length === 0) return undefined;
  const range = resolve({ name, dataType, isExternal, hasValues, entries });
  return range === undefined ? undefined : [...rest, fieldHeader(RAW_DATA, range.length), range];
}

function readEntry(fields: Fields): [key: string, value: string] {
  const entry: [string, string] = ['', ''];
  while (fields.next()) {
    if (fields.wireType === LENGTH_DELIMITED && fields.number <= 2) entry[fields.number - 1] = text(fields.bytes, fields.content, fields.end);
  }
  return entry;
}

const text = (bytes: Uint8Array, start: number, end: number): string => Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
