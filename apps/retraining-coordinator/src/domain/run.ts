import { ContractError, type ErrorCode } from '@throughline/contracts';

export type Stage = 'export' | 'train' | 'evaluate' | 'register';
export type Ending = 'succeeded' | 'failed' | 'rejected';
export type RunStatus = 'queued' | 'running' | Ending;

/** What came of a run, with both sides' numbers on the same rows. */
export interface RunResult {
  readonly candidateVersion?: string | undefined;
  readonly championVersion?: string | undefined;
  readonly candidateMetrics?: Readonly<Record<string, number>> | undefined;
  readonly championMetrics?: Readonly<Record<string, number>> | undefined;
}

/** A run as its events left it. All times are the wall's, epoch milliseconds. */
export interface Run {
  readonly runId: string;
  readonly model: string;
  readonly reason: string;
  readonly alertId?: string | undefined;
  readonly requestedAtMs: number;
  readonly status: RunStatus;
  /** Raised by every claim; a runner whose epoch is older has lost the run and can write nothing more. */
  readonly epoch: number;
  readonly owner?: string | undefined;
  readonly leaseUntilMs?: number | undefined;
  /** Not before then is it tried again. */
  readonly notBeforeMs?: number | undefined;
  /** Failures so far that may pass. */
  readonly failures: number;
  readonly stage?: Stage | undefined;
  /** Of the whole run, 0 to 1. */
  readonly fraction: number;
  readonly message: string;
  readonly startedAtMs?: number | undefined;
  readonly finishedAtMs?: number | undefined;
  /** Code of the error that ended it. */
  readonly code?: ErrorCode | undefined;
  readonly result?: RunResult | undefined;
}

export type RunEvent =
  | { readonly type: 'requested'; readonly runId: string; readonly model: string; readonly reason: string; readonly alertId?: string | undefined; readonly atMs: number }
  | { readonly type: 'claimed'; readonly epoch: number; readonly owner: string; readonly leaseUntilMs: number; readonly atMs: number }
  | { readonly type: 'renewed'; readonly leaseUntilMs: number; readonly atMs: number }
  | { readonly type: 'progressed'; readonly stage: Stage; readonly fraction: number; readonly message: string; readonly atMs: number }
  | { readonly type: 'postponed'; readonly reason: string; readonly notBeforeMs: number; readonly atMs: number }
  | { readonly type: 'finished'; readonly status: Ending; readonly reason: string; readonly code?: ErrorCode | undefined; readonly result: RunResult; readonly atMs: number };

/** A runner that says nothing for this long has lost its run. */
export const LEASE_MS = 15_000;
/** How often something unavailable is tried before the run fails; with doubling waits about an hour in all. */
export const MAX_FAILURES = 10;
const FIRST_WAIT_MS = 5_000;
/** A run that has lost so many runners, silently, probably kills them. */
export const MAX_LOST_RUNNERS = 3;

/** The run after an event. Only `requested` needs no run. */
export function evolve(run: Run | undefined, event: RunEvent): Run {
  if (event.type === 'requested') {
    const { runId, model, reason, alertId, atMs } = event;
    return { runId, model, reason, alertId, requestedAtMs: atMs, status: 'queued', epoch: 0, failures: 0, fraction: 0, message: 'waiting' };
  }
  if (run === undefined) throw new ContractError('internal', `${event.type} without a run`);
  switch (event.type) {
    case 'claimed':
      return { ...run, status: 'running', epoch: event.epoch, owner: event.owner, leaseUntilMs: event.leaseUntilMs, notBeforeMs: undefined, startedAtMs: run.startedAtMs ?? event.atMs };
    case 'renewed':
      return { ...run, leaseUntilMs: event.leaseUntilMs };
    case 'progressed':
      return { ...run, stage: event.stage, fraction: event.fraction, message: event.message };
    case 'postponed':
      return { ...run, status: 'queued', owner: undefined, leaseUntilMs: undefined, notBeforeMs: event.notBeforeMs, failures: run.failures + 1, message: event.reason };
    case 'finished':
      return {
        ...run, status: event.status, owner: undefined, leaseUntilMs: undefined, finishedAtMs: event.atMs, message: event.reason, code: event.code,
        fraction: event.status === 'succeeded' ? 1 : run.fraction, result: event.result,
      };
  }
}

export const isFinished = ({ status }: Run): boolean => status !== 'queued' && status !== 'running';

/** Whether somebody may take the run: it waits and its time has come, or its runner went silent. */
export function isClaimable(run: Run, nowMs: number): boolean {
  if (run.status === 'queued') return (run.notBeforeMs ?? 0) <= nowMs;
  return run.status === 'running' && (run.leaseUntilMs ?? 0) <= nowMs;
}

/** Takes the run under a new epoch; nothing when it cannot be taken. Fails the run instead if it has lost too many runners. */
export function claim(run: Run, owner: string, nowMs: number): RunEvent[] {
  if (!isClaimable(run, nowMs)) return [];
  const lostRunners = run.epoch - run.failures;
  if (lostRunners >= MAX_LOST_RUNNERS) {
    return [{ type: 'finished', status: 'failed', code: 'internal', reason: `internal: ${lostRunners} runners ended in the middle of it`, result: {}, atMs: nowMs }];
  }
  return [{ type: 'claimed', epoch: run.epoch + 1, owner, leaseUntilMs: nowMs + LEASE_MS, atMs: nowMs }];
}

/** @throws ContractError `conflict` when the run has another runner by now, or has ended */
export function renew(run: Run, epoch: number, nowMs: number): RunEvent[] {
  assertHeld(run, epoch);
  return [{ type: 'renewed', leaseUntilMs: nowMs + LEASE_MS, atMs: nowMs }];
}

/** Progress also renews the lease. @throws ContractError `conflict`, see `renew` */
export function progress(run: Run, epoch: number, step: { stage: Stage; fraction: number; message: string }, nowMs: number): RunEvent[] {
  return [...renew(run, epoch, nowMs), { type: 'progressed', ...step, atMs: nowMs }];
}

/** @throws ContractError `conflict`, see `renew` */
export function succeed(run: Run, epoch: number, reason: string, result: RunResult, nowMs: number): RunEvent[] {
  assertHeld(run, epoch);
  return [{ type: 'finished', status: 'succeeded', reason, result, atMs: nowMs }];
}

/**
 * What an error makes of the run: too little data rejects it, what may pass is tried again after a doubling wait, the rest fails it.
 *
 * @throws ContractError `conflict`, see `renew`
 */
export function stumble(run: Run, epoch: number, error: ContractError, nowMs: number): RunEvent[] {
  assertHeld(run, epoch);
  if (error.retriable && run.failures + 1 < MAX_FAILURES) {
    return [{ type: 'postponed', reason: error.message, notBeforeMs: nowMs + FIRST_WAIT_MS * 2 ** run.failures, atMs: nowMs }];
  }
  const status: Ending = REJECTIONS.has(error.code) ? 'rejected' : 'failed';
  return [{ type: 'finished', status, code: error.code, reason: `${error.code}: ${error.message}`, result: {}, atMs: nowMs }];
}

/** Not a defect: the model cannot be retrained now, or not by the built-in trainer. */
const REJECTIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['insufficient_data', 'unknown_model', 'invalid_request']);

function assertHeld(run: Run, epoch: number): void {
  if (run.status !== 'running') throw new ContractError('conflict', `run ${run.runId} is ${run.status}`);
  if (run.epoch !== epoch) throw new ContractError('conflict', `run ${run.runId} was taken over (epoch ${run.epoch}, not ${epoch})`);
}
