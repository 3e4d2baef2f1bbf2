import type { EventBatch } from '@throughline/bus';
import { ContractError, toContractError } from '@throughline/contracts';
import type { Answer, PickUp } from '../domain/answer.js';
import { reject } from '../domain/rejection.js';
import { candidateOfEvent, candidateOfUndecodable, LANE_OF, type Candidate, type RequestTopic } from '../domain/scoring-request.js';
import type { LaneGate } from '../scoring/lane-gate.js';
import type { ScoringPipeline } from '../scoring/pipeline.js';
import type { AnswerRecorder } from '../scoring/recorder.js';
import type { ShadowScorer } from '../scoring/shadow-scorer.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import { LaneSequence } from './lane-sequence.js';

/** So long at most does a batch of the batch lane wait for quiet: its least rate is one batch per partition in this time. */
const BATCH_LANE_MAX_WAIT_MS = 100;

/** What the handlers of both request topics do with a batch; resolves when every answer is acknowledged, and those of shadows are or have failed. */
export class TopicScoring {
  private readonly sequences = new Map<RequestTopic, LaneSequence>();

  constructor(
    private readonly fleet: Pick<ModelFleet, 'settled'>,
    private readonly pipeline: ScoringPipeline,
    private readonly recorder: AnswerRecorder,
    private readonly shadows: ShadowScorer,
    private readonly gate: LaneGate,
  ) {}

  async answer<T extends RequestTopic>(batch: EventBatch<T>): Promise<void> {
    const sequence = this.sequences.get(batch.topic) ?? new LaneSequence();
    this.sequences.set(batch.topic, sequence);
    const pickUp = this.pipeline.pickUp();
    const record = (answers: Answer[]): Promise<Answer[]> => this.recorder.record(answers).then(() => answers);
    const work = (): Promise<Answer[]> => sequence.inOrder(batch.partition, this.score(batch, pickUp), record);
    const isPrompt = batch.topic === 'prediction.requested.v1';
    const answers = isPrompt ? await this.gate.during(batch.events.length, work) : await this.gate.quiet(BATCH_LANE_MAX_WAIT_MS).then(work);
    await this.shadows.shadow(answers);
  }

  private async score<T extends RequestTopic>(batch: EventBatch<T>, pickUp: PickUp): Promise<Answer[]> {
    const candidates: Candidate[] = batch.events.map(candidateOfEvent);
    for (const message of batch.undecodable) {
      candidates.push(candidateOfUndecodable(message, LANE_OF[batch.topic]));
      batch.deadLetter(message, message.code, message.reason);
    }
    await this.fleet.settled(new Set(batch.events.map(({ data }) => data.model)), batch.signal);
    try {
      return await this.pipeline.score(candidates, pickUp);
    } catch (thrown) {
      const [alone, ...others] = candidates;
      // Of a larger batch the bus tries the halves, until the message that we fail on stands alone; it is answered, too.
      if (alone === undefined || others.length > 0 || thrown instanceof ContractError) throw thrown;
      const { message } = toContractError(thrown);
      for (const event of batch.events) batch.deadLetter(event, 'poison', message);
      return this.pipeline.score([{ request: alone.request, rejection: reject('poison', message) }], pickUp);
    }
  }
}
