import type { EntityManager } from 'typeorm';
import type { ShadowFacts } from '../domain/joining.js';
import { atPlaces, placesParameter, type Place } from './facts.js';
import type { ServedVersions } from './served-versions.js';

interface ShadowRow {
  readonly prediction_id: string;
  readonly version: string;
  readonly served_version_id: number;
  readonly assignment_revision: string;
  readonly score: number | null;
}

/** Deployments name few; an event must not grow with somebody's hundred. */
const MAX_SHADOWS = 16;
const COLUMNS = 'p.prediction_id, p.version, p.served_version_id, p.assignment_revision, p.score';

/** What shadows said of these predictions, each to be read as its own version says; in the order of their versions. */
export async function loadShadows(manager: EntityManager, places: readonly Place[], servedVersions: Pick<ServedVersions, 'readingOf'>): Promise<Map<string, ShadowFacts[]>> {
  const byPrediction = new Map<string, ShadowFacts[]>();
  if (places.length === 0) return byPrediction;
  const rows: ShadowRow[] = await manager.query(`${atPlaces('prediction_shadow', COLUMNS, MAX_SHADOWS)} ORDER BY f.prediction_id, f.version`, [placesParameter(places)]);
  for (const row of rows) {
    const shadow = { version: row.version, assignmentRevision: Number(row.assignment_revision), score: row.score ?? undefined, reading: await servedVersions.readingOf(manager, row.served_version_id) };
    const known = byPrediction.get(row.prediction_id);
    if (known === undefined) byPrediction.set(row.prediction_id, [shadow]);
    else known.push(shadow);
  }
  return byPrediction;
}
