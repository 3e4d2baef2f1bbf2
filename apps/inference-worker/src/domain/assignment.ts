import type { ModelDeployment, ServedVersion } from '@throughline/contracts';
import { reject, type Rejection } from './rejection.js';

export type Role = 'champion' | 'challenger' | 'shadow' | 'pinned';

/** Who serves a model now: versions that are warm, under one revision. */
export interface Assignment<M> {
  readonly model: string;
  readonly revision: number;
  readonly champion: M | undefined;
  /** All warm versions, the champion among them. */
  readonly versions: ReadonlyMap<string, M>;
  /** Versions that the deployment names and that are not warm (yet). */
  readonly cold: ReadonlySet<string>;
}

export interface Resolution<M> {
  readonly served: M;
  readonly role: Role;
  readonly revision: number;
}

/** Which version answers: the one the request pins, if the deployment holds it; else the champion. */
export function resolve<M>(assignment: Assignment<M> | undefined, model: string, version: string | undefined): Resolution<M> | Rejection {
  if (assignment === undefined) return reject('unknown_model', `no model “${model}” is deployed`);
  if (version === undefined) {
    if (assignment.champion !== undefined) return { served: assignment.champion, role: 'champion', revision: assignment.revision };
    if (assignment.cold.size > 0) return reject('model_not_ready', `model “${model}” is deployed and not warm`);
    return reject('unknown_model', `model “${model}” has no champion`);
  }
  const pinned = assignment.versions.get(version);
  if (pinned !== undefined) return { served: pinned, role: 'pinned', revision: assignment.revision };
  if (assignment.cold.has(version)) return reject('model_not_ready', `version ${version} of “${model}” is deployed and not warm`);
  return reject('unknown_version', `the deployment of “${model}” has no version ${version}`);
}

/** Each version that a deployment names, once; the champion first, because traffic waits for it. */
export function versionsOf({ champion, challengers, shadows }: ModelDeployment): ServedVersion[] {
  const named = [...(champion === undefined ? [] : [champion]), ...challengers, ...shadows];
  return [...new Map(named.map((served) => [served.version, served])).values()];
}

/** Batch sizes to warm up at: a lone row, the largest batch, and steps between. */
export function warmUpSizes(maxBatchSize: number): number[] {
  return [...new Set([1, 4, 16, 64, 256].filter((size) => size < maxBatchSize).concat(maxBatchSize))];
}
