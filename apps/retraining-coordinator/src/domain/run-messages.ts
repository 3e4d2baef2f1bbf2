import type { EventData } from '@throughline/contracts';
import type { Run, RunEvent } from './run.js';

/** What the world is told of a run, with the id that makes a second telling recognisable. */
export type RunMessage =
  | { readonly topic: 'retraining.requested.v1'; readonly id: string; readonly atMs: number; readonly data: EventData<'retraining.requested.v1'> }
  | { readonly topic: 'retraining.progressed.v1'; readonly id: string; readonly atMs: number; readonly data: EventData<'retraining.progressed.v1'> }
  | { readonly topic: 'retraining.finished.v1'; readonly id: string; readonly atMs: number; readonly data: EventData<'retraining.finished.v1'> };

/** The message that an event of a run becomes, if any. @param run after the event */
export function messageOf(run: Run, event: RunEvent): RunMessage | undefined {
  const { runId, model } = run;
  const at = new Date(event.atMs).toISOString();
  switch (event.type) {
    case 'requested':
      return {
        topic: 'retraining.requested.v1', id: `${runId}/requested`, atMs: event.atMs,
        data: { runId, model, reason: run.reason, requestedAt: at, ...(run.alertId === undefined ? {} : { alertId: run.alertId }) },
      };
    case 'progressed':
      return {
        topic: 'retraining.progressed.v1', id: `${runId}/${run.epoch}/${event.stage}/${event.fraction}`, atMs: event.atMs,
        data: { runId, model, stage: event.stage, fraction: event.fraction, message: event.message, at },
      };
    case 'finished':
      return {
        topic: 'retraining.finished.v1', id: `${runId}/finished`, atMs: event.atMs,
        data: { runId, model, status: event.status, reason: event.reason, finishedAt: at, ...defined(event.result) },
      };
    default:
      return undefined;
  }
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}
