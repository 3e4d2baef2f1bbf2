import { bearer } from '@throughline/settings';
import type { ServicePlan } from '../domain/plan.js';

const ANSWER_WITHIN_MS = 3000;

export interface Readiness {
  readonly ready: boolean;
  /** What its /health/ready said, or why it said nothing. */
  readonly detail: unknown;
}

export const addressOf = ({ port }: Pick<ServicePlan, 'port'>): string => `http://127.0.0.1:${port}`;

/** Asks a service whether it is ready; never rejects. */
export async function askReady(plan: Pick<ServicePlan, 'port'>, key?: string): Promise<Readiness> {
  try {
    const response = await fetch(`${addressOf(plan)}/health/ready`, { headers: bearer(key), signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return { ready: response.ok, detail: await response.json() };
  } catch (error) {
    const { message, cause } = error as Error;
    return { ready: false, detail: cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : message };
  }
}

/**
 * The text that every address answered with; where one did not answer with success, its error.
 *
 * @throws Error with the status or the reason
 */
export async function getText(url: string, key?: string): Promise<string> {
  const response = await fetch(url, { headers: bearer(key), signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}
