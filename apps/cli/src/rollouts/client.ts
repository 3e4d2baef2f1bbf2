import { ContractError, type RolloutRequest } from '@throughline/contracts';
import { readConfig } from '../config.js';
import { isActive, type Report, type Rollout, type RolloutDetail } from '../domain/rollouts/resources.js';
import { ask, jsonBody } from '../http.js';

export interface Decision {
  readonly author: string;
  readonly reason?: string | undefined;
}

const models = (): string => `${readConfig(process.env).REGISTRY_URL}/registry/v1/models`;
const modelUrl = (model: string): string => `${models()}/${encodeURIComponent(model)}`;
const rolloutsUrl = (model: string): string => `${modelUrl(model)}/rollouts`;

export const startRollout = (model: string, request: RolloutRequest): Promise<Rollout> => ask(rolloutsUrl(model), jsonBody('POST', request));

/** Newest first; of every model, if none is named. */
export async function listRollouts(model: string | undefined): Promise<Rollout[]> {
  if (model !== undefined) return ask<Rollout[]>(rolloutsUrl(model));
  const known = await ask<{ name: string }[]>(models());
  return (await Promise.all(known.map(({ name }) => ask<Rollout[]>(rolloutsUrl(name))))).flat().toSorted((a, b) => b.startedAt.localeCompare(a.startedAt));
}

/** The rollout of this id; without one the model's running one, else its last. @throws ContractError `not_found` */
export async function findRollout(model: string, id: string | undefined): Promise<string> {
  if (id !== undefined) return id;
  const rollouts = await listRollouts(model);
  const found = rollouts.find(isActive) ?? rollouts[0];
  if (found === undefined) throw new ContractError('not_found', `“${model}” never had a rollout`, { cure: `npx throughline rollouts start ${model} --candidate <version>` });
  return found.id;
}

/** The model's running rollout, if no other is named. @throws ContractError `not_found` */
export async function runningRollout(model: string, id: string | undefined): Promise<string> {
  if (id !== undefined) return id;
  const running = (await listRollouts(model)).find(isActive);
  if (running === undefined) throw new ContractError('not_found', `no rollout of “${model}” is running`, { cure: `npx throughline rollouts list ${model}` });
  return running.id;
}

export const readRollout = (model: string, id: string): Promise<RolloutDetail> => ask(`${rolloutsUrl(model)}/${id}`);
export const readReport = (model: string, id: string): Promise<Report> => ask(`${rolloutsUrl(model)}/${id}/report`);
export const decide = (model: string, id: string, action: 'pause' | 'resume' | 'abort' | 'promote', by: Decision): Promise<Rollout> => ask(`${rolloutsUrl(model)}/${id}/${action}`, jsonBody('POST', by));
export const rollBack = (model: string, by: Decision): Promise<{ champion: string; rollout?: string }> => ask(`${modelUrl(model)}/rollback`, jsonBody('POST', by));
