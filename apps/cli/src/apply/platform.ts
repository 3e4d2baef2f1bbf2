import { ContractError, type ModelPolicy } from '@throughline/contracts';
import { ask, jsonBody } from '../http.js';
import { POLICY_FIELDS, type ModelFile } from '../domain/apply/schema.js';
import type { Present, Serving } from '../domain/apply/plan.js';

export interface Addresses {
  readonly registry: string;
  readonly retraining: string;
  readonly features: string;
}

export interface Decider {
  readonly author: string;
  readonly reason?: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;
interface Revision extends Json {
  readonly revision: number;
  readonly champion?: string;
  readonly challengers: unknown;
  readonly shadows: unknown;
}

const SERVING_FIELDS = ['latencyBudgetMs', 'batching', 'breaker', 'fallbacks', 'requestTopics'] as const;

/** What the services have of a model, and how it is changed there. */
export class Platform {
  private readonly model: string;

  constructor(
    private readonly addresses: Addresses,
    private readonly name: string,
    private readonly by: Decider,
  ) {
    this.model = `${addresses.registry}/registry/v1/models/${encodeURIComponent(name)}`;
  }

  get versionsUrl(): string {
    return `${this.model}/versions`;
  }

  /** @throws ContractError `unavailable` for a service that does not answer */
  async present({ retraining, featureViews = [] }: ModelFile): Promise<Present> {
    const [versions, policy, revisions, aliasChanges, rollouts, retrainingNow, views] = await Promise.all([
      ifThere(ask<Present['versions']>(`${this.versionsUrl}?archived=true`), []),
      ifThere(ask<Json & { revision: number }>(`${this.model}/policy`), { revision: 0 }),
      this.revisions(),
      ifThere(ask<{ to: string | null }[]>(`${this.model}/aliases/champion/history`), []),
      ifThere(ask<Present['rollouts']>(`${this.model}/rollouts`), []),
      retraining === undefined ? undefined : ask<{ given: object }>(this.retrainingUrl).then(({ given }) => given),
      Promise.all(featureViews.map(async ({ name }) => [name, await this.view(name)] as const)),
    ]);
    const [newest] = revisions;
    return {
      versions, rollouts,
      policy: { revision: policy.revision, policy: pick(policy, POLICY_FIELDS) as ModelPolicy },
      deployment: newest === undefined ? undefined : { revision: newest.revision, champion: newest.champion, serving: pick(newest, SERVING_FIELDS) as Serving },
      pastChampions: aliasChanges.flatMap(({ to }) => (to === null ? [] : [to])),
      retraining: retrainingNow,
      featureViews: Object.fromEntries(views.filter((entry): entry is readonly [string, object] => entry[1] !== undefined)),
    };
  }

  /** @returns with what may be wrong about it */
  putPolicy(policy: ModelPolicy, expectedRevision: number): Promise<{ readonly warnings?: readonly string[] }> {
    return ask(`${this.model}/policy`, jsonBody('PUT', { ...policy, expectedRevision, ...this.by }));
  }

  putRetraining(policy: object): Promise<unknown> {
    return ask(this.retrainingUrl, jsonBody('PUT', policy));
  }

  putView({ name, ...view }: NonNullable<ModelFile['featureViews']>[number]): Promise<{ version: number }> {
    return ask(`${this.addresses.features}/features/v1/views/${encodeURIComponent(name)}`, jsonBody('PUT', view));
  }

  /** Changes how the model is served, and leaves what serves it. */
  async putServing(serving: Serving, expectedRevision: number): Promise<unknown> {
    const [newest] = await this.revisions();
    const { champion = null, challengers = [], shadows = [], splitSalt, maxBatchSize } = newest ?? ({} as Partial<Revision>);
    return ask(`${this.model}/deployment`, jsonBody('PUT', { champion, challengers, shadows, splitSalt, maxBatchSize, ...serving, expectedRevision, ...this.by }));
  }

  /** The first champion, and how it is served. */
  deploy(version: string, serving: Serving, expectedRevision: number, override: string | undefined): Promise<unknown> {
    return ask(`${this.model}/deployment`, jsonBody('PUT', { champion: version, ...serving, expectedRevision, override, ...this.by }));
  }

  /** @returns the rollout that brings the version in, if the model's policy wants one */
  async promote(version: string, expected: string | undefined, override: string | undefined, alias = 'champion'): Promise<string | undefined> {
    return (await ask<{ rollout?: string }>(`${this.model}/aliases/${encodeURIComponent(alias)}`, jsonBody('PUT', { version, expected, override, ...this.by }))).rollout;
  }

  private revisions(): Promise<Revision[]> {
    return ifThere(ask<Revision[]>(`${this.model}/deployment/history`), []);
  }

  private async view(name: string): Promise<object | undefined> {
    const view = await ifThere(ask<Json>(`${this.addresses.features}/features/v1/views/${encodeURIComponent(name)}`), undefined);
    return view === undefined ? undefined : pick(view, ['name', 'entityType', 'features', 'maxAgeSeconds']);
  }

  private get retrainingUrl(): string {
    return `${this.addresses.retraining}/retraining/v1/models/${encodeURIComponent(this.name)}/policy`;
  }
}

async function ifThere<T, E>(asked: Promise<T>, otherwise: E): Promise<T | E> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ContractError && error.code === 'not_found') return otherwise;
    throw error;
  }
}

const pick = (from: Json, fields: readonly string[]): Json => Object.fromEntries(fields.flatMap((field) => (from[field] === undefined || from[field] === null ? [] : [[field, from[field]]])));
