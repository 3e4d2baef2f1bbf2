import { ContractError } from '@throughline/contracts';
import { resolveTensors, sizeOfParts, type ExternalTensor, type FileRange, type Part } from './external-data.js';

export interface MergePlan {
  /** What the one file is made of, in order. */
  readonly parts: readonly Part[];
  readonly sizeBytes: number;
  /** Names of the files that it takes from. */
  readonly files: readonly string[];
}

const STRING = 8;
const MAX_FILES = 200;
const MAX_NAME_BYTES = 255;
/** 15 digits are exact in a double, and more than any file has. */
const COUNT = /^\d{1,15}$/;

/**
 * Plans one file of a graph and the files beside it, before a byte of them is read or held. Ranges may overlap, as tied weights do: what they come to is limited.
 *
 * @param sizeOf bytes of a file beside the graph, by its plain name
 * @param limitBytes of the graph and its files, and of the one file
 * @throws ContractError `artifact_external_data` with the tensor's name, `artifact_too_large`, `artifact_not_onnx`; and what `sizeOf` throws
 */
export function planMerge(model: Uint8Array, sizeOf: (file: string) => number, limitBytes: number): MergePlan {
  const sizes = new Map<string, number>();
  let logged = model.length;
  let merged = model.length;
  const sizeOnce = (file: string): number => {
    const known = sizes.get(file);
    if (known !== undefined) return known;
    if (sizes.size === MAX_FILES) throw new ContractError('artifact_external_data', `the tensors lie in more than ${MAX_FILES} files`);
    const size = sizeOf(file);
    sizes.set(file, size);
    logged += size;
    if (logged > limitBytes) throw tooLarge(`the graph and the files beside it have ${logged} bytes`, limitBytes);
    return size;
  };
  const parts = resolveTensors(model, (tensor) => {
    const range = rangeOf(tensor, sizeOnce);
    merged += range.length;
    if (merged > limitBytes) throw tooLarge(`with the tensors from the files beside it the graph has at least ${merged} bytes`, limitBytes);
    return range;
  });
  return { parts, sizeBytes: sizeOfParts(parts), files: [...sizes.keys()] };
}

function rangeOf(tensor: ExternalTensor, sizeOf: (file: string) => number): FileRange {
  if (!tensor.isExternal) throw refuse(tensor, 'names a file, but does not say that its values are there');
  if (tensor.hasValues) throw refuse(tensor, 'has values in the graph and outside');
  if (tensor.dataType === STRING) throw refuse(tensor, 'holds text, which cannot lie in a file');
  const location = entryOf(tensor, 'location');
  if (location === undefined) throw refuse(tensor, 'lives outside the graph and does not say where');
  if (!isPlainName(location)) throw refuse(tensor, `lives in “${location.slice(0, 100)}”, which is no plain name of a file beside the graph`);
  const size = sizeNamed(tensor, location, sizeOf);
  const offset = countOf(tensor, 'offset') ?? 0;
  const length = countOf(tensor, 'length') ?? size - offset;
  if (length < 0 || offset + length > size) throw refuse(tensor, `takes ${length} bytes from ${offset} on of “${location}”, which has ${size}`);
  return { location, offset, length };
}

function sizeNamed(tensor: ExternalTensor, location: string, sizeOf: (file: string) => number): number {
  try {
    return sizeOf(location);
  } catch (error) {
    if (!(error instanceof ContractError) || error.code !== 'not_found') throw error;
    throw refuse(tensor, `lives in “${location}”, and ${error.message}`);
  }
}

function countOf(tensor: ExternalTensor, key: string): number | undefined {
  const said = entryOf(tensor, key);
  if (said === undefined || COUNT.test(said)) return said === undefined ? undefined : Number(said);
  throw refuse(tensor, `has “${said.slice(0, 100)}” as its ${key}, which is no count of bytes`);
}

function entryOf(tensor: ExternalTensor, key: string): string | undefined {
  const [first, ...others] = tensor.entries.filter(([name]) => name === key);
  if (others.length > 0) throw refuse(tensor, `says its ${key} twice`);
  return first?.[1];
}

const isPlainName = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= MAX_NAME_BYTES && !/[/\\:\0-\x1f\ufffd]/.test(name);

const refuse = ({ name }: ExternalTensor, reason: string): ContractError => new ContractError('artifact_external_data', `tensor “${name.slice(0, 100)}” ${reason}`);
const tooLarge = (what: string, limitBytes: number): ContractError => new ContractError('artifact_too_large', `${what}, ${limitBytes} are allowed`);
