import { createHash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Bus } from '@throughline/bus/client';
import { ContractError, decodeEvent } from '@throughline/contracts';
import { freshCheckpoint, type Checkpoint, type Job, type JobFolder, type JobIdentity } from './job-folder.js';
import { endsOf, holdsAllSince, REQUESTS, startOf } from './topics.js';

export interface OpenJob {
  readonly job: Job;
  readonly checkpoint: Checkpoint;
  readonly sentBefore: Set<string>;
  /** An earlier run had begun it. */
  readonly isResumed: boolean;
  /** What Kafka held of the earlier run is gone: what was under way then is asked for once more. */
  readonly isForgotten: boolean;
}

/**
 * Begins a job, or goes on with the one in the folder. Which requests had been sent, Kafka knows: they are read from the mark on.
 *
 * @throws ContractError `conflict` when the folder holds another job
 */
export async function openJob(bus: Bus, folder: JobFolder, identity: JobIdentity): Promise<OpenJob> {
  const found = folder.job;
  if (found === undefined) return begin(bus, folder, identity);
  checkSame(found, identity, folder.path);
  const before = folder.checkpoint;
  if (before === undefined) return begin(bus, folder, identity);
  const isForgotten = !(await holdsAllSince(bus.admin, before.mark));
  const checkpoint = isForgotten ? { ...before, mark: { row: before.released, ends: await endsOf(bus.admin) } } : before;
  folder.openSpool(checkpoint);
  const sentBefore = isForgotten ? new Set<string>() : await requestsSince(bus, checkpoint, found.source);
  return { job: found, checkpoint, sentBefore, isResumed: true, isForgotten };
}

async function begin(bus: Bus, folder: JobFolder, identity: JobIdentity): Promise<OpenJob> {
  const job = { ...identity, source: `/throughline/score/${jobId(identity)}`, startedAt: new Date().toISOString() };
  const checkpoint = freshCheckpoint(await endsOf(bus.admin));
  folder.openSpool(undefined);
  folder.saveCheckpoint(0, checkpoint.tally, checkpoint.mark);
  // Last: with it there is a job, and it has a checkpoint.
  folder.job = job;
  return { job, checkpoint, sentBefore: new Set(), isResumed: false, isForgotten: false };
}

/** A job of its own even for the same file: to score it again is to predict again, and the ledger keeps one answer a prediction. */
const jobId = (identity: JobIdentity): string => createHash('sha256').update(JSON.stringify(identity)).update(randomUUID()).digest('hex').slice(0, 16);

function checkSame(found: Job, { inputSha256, rows, request }: JobIdentity, path: string): void {
  if (found.inputSha256 === inputSha256 && found.rows === rows && isDeepStrictEqual(found.request, JSON.parse(JSON.stringify(request)))) return;
  const what = found.inputSha256 === inputSha256 ? `with other options: ${JSON.stringify(found.request)}` : 'of another input';
  throw new ContractError('conflict', `${path} holds an unfinished job ${what}`, { cure: 'Finish it with what it was begun with, or throw it away with --restart.' });
}

async function requestsSince(bus: Bus, { mark }: Checkpoint, source: string): Promise<Set<string>> {
  const ids = new Set<string>();
  await bus.admin.scan(REQUESTS, (messages) => {
    for (const message of messages) {
      const decoded = decodeEvent(REQUESTS, message);
      if (decoded.source === source) ids.add(decoded.id);
    }
  }, startOf(mark, REQUESTS));
  return ids;
}
