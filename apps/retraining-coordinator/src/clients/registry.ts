import { ContractError } from '@throughline/contracts';
import type { TrainedCandidate } from '../training/train-candidate.js';
import { callService, type Peer } from './service-call.js';

/** The model registry, over its HTTP API. */
export class RegistryClient {
  constructor(private readonly registry: Peer) {}

  /**
   * Registers a candidate; the same one again gives the same version.
   *
   * @returns the version
   * @throws ContractError `unavailable`, or why the registry refuses it
   */
  async register(model: string, { artifact, metadata, reference }: Pick<TrainedCandidate, 'artifact' | 'metadata' | 'reference'>, signal: AbortSignal): Promise<string> {
    const form = new FormData();
    form.append('metadata', JSON.stringify(metadata));
    form.append('artifact', new Blob([artifact as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }), 'model.onnx');
    form.append('reference', new Blob([reference as Uint8Array<ArrayBuffer>], { type: 'application/x-ndjson' }), 'reference.jsonl');
    const response = await callService('the registry', this.registry, `/registry/v1/models/${encodeURIComponent(model)}/versions`, { method: 'POST', body: form }, signal);
    const { version } = (await response.json()) as { version?: unknown };
    if (typeof version !== 'string') throw new ContractError('unavailable', 'the registry did not say which version it made');
    return version;
  }
}
