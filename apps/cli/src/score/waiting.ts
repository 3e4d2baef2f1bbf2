import type { Bus } from '@throughline/bus/client';
import type { JobRun } from './run.js';
import { REQUESTS } from './topics.js';

/** Silence that is worth an explanation. */
const SILENCE_MS = 5000;
const WORKERS = 'inference-worker';

/** Why nothing comes, in a few words; empty while answers come. */
export async function whatIsWaitedFor(run: JobRun, bus: Bus, nowMs: number): Promise<string> {
  const silentForMs = run.silentForMs(nowMs);
  if (run.waiting === 0 || silentForMs < SILENCE_MS) return '';
  const silence = `waiting for an inference worker: no answer for ${Math.round(silentForMs / 1000)} s`;
  try {
    const offsets = await bus.admin.offsets(REQUESTS, WORKERS);
    const untaken = offsets.reduce((sum, { low, high, committed }) => sum + Number(high - (committed ?? low)), 0);
    return untaken > 0 ? `${silence}, ${untaken.toLocaleString('en-US')} requests untaken; is one running? (npm start)` : silence;
  } catch {
    return 'waiting for Kafka, which does not answer';
  }
}
