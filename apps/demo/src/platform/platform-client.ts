import { ContractError } from '@throughline/contracts';
import type { FeatureViewDefinition } from '@throughline/features';
import type { FirstModel } from '../training/first-model.js';
import { call, callJson, jsonBody, orUndefined, request } from './call.js';

export interface RegisteredVersion {
  readonly version: string;
  readonly artifactSha256: string;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** How a prediction ended, by its id; absent where the ledger does not have it. */
export type BookStates = Readonly<Record<string, string>>;

const MAX_IDS = 5000;

/** The platform over HTTP, at its one origin. */
export class PlatformClient {
  constructor(readonly origin: string) {}

  /** Defines the view; an unchanged definition keeps its version. */
  async putView({ name, entityType, features }: FeatureViewDefinition): Promise<FeatureViewDefinition> {
    return callJson(`${this.origin}/features/v1/views/${name}`, jsonBody('PUT', { entityType, features }));
  }

  /** @returns the version that serves, `undefined` for none */
  async champion(model: string): Promise<string | undefined> {
    return (await orUndefined(callJson<{ version: string }>(`${this.modelUrl(model)}/aliases/champion`)))?.version;
  }

  async version(model: string, version: string): Promise<RegisteredVersion> {
    return callJson(`${this.modelUrl(model)}/versions/${version}`);
  }

  /** The same model again is the same version. */
  async register(model: string, { artifact, metadata, reference }: Pick<FirstModel, 'artifact' | 'metadata' | 'reference'>): Promise<RegisteredVersion> {
    const form = new FormData();
    form.append('metadata', JSON.stringify(metadata));
    form.append('artifact', new Blob([artifact as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }), 'model.onnx');
    form.append('reference', new Blob([reference], { type: 'application/x-ndjson' }), 'reference.jsonl');
    return callJson(`${this.modelUrl(model)}/versions`, { method: 'POST', body: form });
  }

  /** Puts a model's first policy; whether the caller may. */
  async putPolicy(model: string, policy: object): Promise<boolean> {
    try {
      await call(`${this.modelUrl(model)}/policy`, jsonBody('PUT', { ...policy, expectedRevision: 0, author: 'demo', reason: 'first model' }));
      return true;
    } catch (error) {
      if (error instanceof ContractError && error.code === 'forbidden') return false;
      throw error;
    }
  }

  /** Makes a version the first champion, served as the policy says; fails if anything was deployed by now. */
  async deployFirst(model: string, version: string, policy: object): Promise<void> {
    await call(`${this.modelUrl(model)}/deployment`, jsonBody('PUT', { champion: version, ...policy, expectedRevision: 0, author: 'demo', reason: 'first model' }));
  }

  async putRetrainingPolicy(model: string, policy: object): Promise<void> {
    await call(`${this.origin}/retraining/v1/models/${model}/policy`, jsonBody('PUT', policy));
  }

  /** Whether the workers answer for the model. */
  async isReady(model: string): Promise<boolean> {
    const response = await request(`${this.origin}/v2/models/${model}/ready`);
    await response.arrayBuffer();
    return response.ok;
  }

  async bookStates(ids: readonly string[]): Promise<BookStates> {
    const states: Record<string, string> = {};
    for (let start = 0; start < ids.length; start += MAX_IDS) {
      const answer = await callJson<{ states: BookStates }>(`${this.origin}/ledger/v1/books`, jsonBody('POST', { ids: ids.slice(start, start + MAX_IDS) }));
      Object.assign(states, answer.states);
    }
    return states;
  }

  /** The whole story of a prediction, as the ledger tells it. */
  async story(predictionId: string): Promise<unknown> {
    return callJson(`${this.origin}/ledger/v1/predictions/${predictionId}`);
  }

  private modelUrl(model: string): string {
    return `${this.origin}/registry/v1/models/${model}`;
  }
}
