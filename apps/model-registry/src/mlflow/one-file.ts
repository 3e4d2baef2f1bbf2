import { ContractError } from '@throughline/contracts';
import { inspectInChild, mergeInChild, type InspectionLimits, type Merged } from '@throughline/onnx';
import { readSignature } from '../domain/signing.js';
import { TAGS, type Story } from './domain/describe.js';

const AS_ONE_FILE = 'Log it as one file: mlflow.onnx.log_model(…, save_as_external_data=False).';

export interface OneFile {
  /** What the graph says of itself. */
  readonly graph: Story['graph'];
  /** Where tensors lay in files beside the graph, as the client writes large ones unless it is told not to. */
  readonly merged?: Merged;
}

/**
 * Inspects a graph as it was logged, made one file with the files beside it where it needs them.
 *
 * @param folder where it was logged, on disk
 * @throws ContractError as `inspectInChild` and `mergeInChild`
 */
export async function inspectAsOneFile(bytes: Uint8Array, folder: string, limits: Partial<InspectionLimits>): Promise<OneFile> {
  try {
    return { graph: (await inspectInChild(bytes, limits)).signature };
  } catch (error) {
    if (!isRefusal(error, 'artifact_external_data')) throw error;
  }
  const merged = await merge(bytes, folder, limits);
  return { graph: (await inspectInChild(merged.bytes, limits)).signature, merged };
}

async function merge(bytes: Uint8Array, folder: string, limits: Partial<InspectionLimits>): Promise<Merged> {
  try {
    return await mergeInChild(bytes, folder, limits);
  } catch (error) {
    if (!isRefusal(error, 'artifact_external_data')) throw error;
    throw new ContractError(error.code, error.message, { cause: error, cure: AS_ONE_FILE });
  }
}

type Tagged = { readonly tags: Readonly<Record<string, string>> } | undefined;

/** The Ed25519 signature that the first of these carries. @throws ContractError `artifact_signature_invalid` */
export function signatureOf(...tagged: readonly Tagged[]): string | undefined {
  const said = tagged.map((one) => one?.tags[TAGS.signature]).find((tag) => tag !== undefined);
  return said === undefined ? undefined : readSignature(Buffer.from(said));
}

/** Registers, and says of a signature that is refused how a client of MLflow sends one, or why it cannot. */
export async function explainingSignatures<T>(merged: Merged | undefined, register: () => Promise<T>): Promise<T> {
  try {
    return await register();
  } catch (error) {
    if (!isRefusal(error, 'artifact_signature_invalid')) throw error;
    const how = `Then sign the logged model.onnx (openssl pkeyutl -sign -inkey key.pem -rawin -in model.onnx -out model.sig), set its base64 as the tag “${TAGS.signature}” of the logged model or the run, and register that.`;
    if (merged === undefined) throw new ContractError(error.code, error.message, { cause: error, cure: `Log the model without registering it. ${how}` });
    const reason = `${error.message}; signed are the bytes of the version, which merges ${merged.files.map((file) => `“${file.slice(0, 100)}”`).join(', ')} into the graph, and no client knows them before`;
    throw new ContractError(error.code, reason, { cause: error, cure: `${AS_ONE_FILE} ${how}` });
  }
}

const isRefusal = (error: unknown, code: ContractError['code']): error is ContractError => error instanceof ContractError && error.code === code;
