import type { BusProducer } from '@throughline/bus';
import { ContractError } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import { isRejection } from '../domain/rejection.js';
import { resolve } from '../domain/assignment.js';
import { candidatesOf, whyNoInferRequest, type InferRequest, type Receipt } from '../domain/oip/infer-request.js';
import { allOrNothing, inferResponse, type InferResponse } from '../domain/oip/infer-response.js';
import { SOURCE } from '../domain/answer-events.js';
import type { Answer } from '../domain/answer.js';
import type { Candidate } from '../domain/scoring-request.js';
import type { ScoringPipeline } from '../scoring/pipeline.js';
import type { AnswerRecorder } from '../scoring/recorder.js';
import type { ShadowScorer } from '../scoring/shadow-scorer.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import { AnswerMemory } from './answer-memory.js';

export interface InferOptions {
  readonly fleet: Pick<ModelFleet, 'assignment'>;
  readonly pipeline: ScoringPipeline;
  readonly recorder: AnswerRecorder;
  readonly shadows: ShadowScorer;
  /** Keeps good answers for when the model cannot give any. */
  readonly fallbacks: { remember(answers: readonly Answer[]): void };
  readonly producer: Pick<BusProducer, 'pending'>;
  readonly newId: () => string;
  readonly maxRows: number;
  readonly maxPendingRows: number;
  readonly logger: Logger;
}

/** Path and headers of a call. */
export interface InferCall {
  readonly model: string;
  readonly version: string | undefined;
  readonly traceparent: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** The real-time lane: rows of one call are answered together and recorded as so many predictions. */
export class InferService {
  private readonly memory = new AnswerMemory();
  private pendingRows = 0;

  constructor(private readonly options: InferOptions) {}

  /** @throws ContractError with the code of what is wrong. */
  async infer(call: InferCall, body: unknown): Promise<InferResponse> {
    const { pipeline, newId, maxRows } = this.options;
    const invalid = whyNoInferRequest(body, maxRows);
    if (invalid !== undefined) throw new ContractError('invalid_request', invalid, { cure: 'Send a request of the Open Inference Protocol v2; /openapi.json has an example.' });
    const request = body as InferRequest;
    const source = `${SOURCE}/v2/models/${call.model}`;
    const pickUp = pipeline.pickUp();
    const receipt: Receipt = { source, id: call.idempotencyKey ?? newId(), model: call.model, version: call.version, receivedAtMs: pickUp.nowMs, traceparent: call.traceparent };
    const candidates = candidatesOf(request, receipt);
    this.refuseUnknownOutputs(receipt, request);
    const answer = (): Promise<InferResponse> => this.answer(request, receipt, candidates, pickUp);
    return call.idempotencyKey === undefined ? answer() : this.memory.once(`${source}@${call.version ?? ''}`, call.idempotencyKey, request, candidates.length, answer);
  }

  private async answer(request: InferRequest, { id }: Receipt, candidates: readonly Candidate[], pickUp: ReturnType<ScoringPipeline['pickUp']>): Promise<InferResponse> {
    return this.counted(candidates.length, async () => {
      const { pipeline, recorder, shadows, fallbacks } = this.options;
      let outcome = allOrNothing(await pipeline.score(candidates, pickUp, 'prompt'));
      let encoded = recorder.encode(answersOf(outcome));
      if ('scored' in outcome && encoded.answers.some(({ state }) => state === 'rejected')) {
        // An answer that is too large to be on record takes the others with it.
        outcome = allOrNothing(encoded.answers);
        encoded = recorder.encode(answersOf(outcome));
      }
      const { answers } = encoded;
      const recorded = recorder.publish(encoded).then(() => fallbacks.remember(answers));
      if (request.parameters?.record === 'async') recorded.catch((error: unknown) => this.options.logger.warn({ err: error, rows: answers.length }, 'answers given over HTTP are not on record'));
      else await recorded;
      // Nobody waits for it.
      void shadows.shadow(answers, this.options.maxPendingRows);
      if ('first' in outcome) throw new ContractError(outcome.first.rejection.code, outcome.first.rejection.reason, { cure: outcome.first.rejection.cure });
      return inferResponse(request.id ?? id, outcome.scored, request.outputs?.map(({ name }) => name));
    });
  }

  /** Bounds what is unanswered: beyond it waiting would only make everybody late. */
  private async counted<T>(rows: number, work: () => Promise<T>): Promise<T> {
    const { producer, maxPendingRows } = this.options;
    if (Math.max(this.pendingRows, producer.pending.messages) >= maxPendingRows) throw new ContractError('overloaded', `${maxPendingRows} rows are waiting for their answers already`);
    this.pendingRows += rows;
    try {
      return await work();
    } finally {
      this.pendingRows -= rows;
    }
  }

  /** Before scoring: a request that cannot be answered as asked must not be on record as answered. */
  private refuseUnknownOutputs({ model, version, id }: Receipt, { outputs, parameters }: InferRequest): void {
    if (outputs === undefined) return;
    const resolution = resolve(this.options.fleet.assignment(model), model, version, parameters?.routing_key ?? id);
    if (isRejection(resolution)) return;
    const known = resolution.served.signature.outputs.map(({ name }) => name);
    const unknown = outputs.find(({ name }) => !known.includes(name));
    if (unknown !== undefined) throw new ContractError('invalid_request', `the model has no output “${unknown.name}”; it has ${known.join(', ')}`);
  }
}

const answersOf = (outcome: ReturnType<typeof allOrNothing>): readonly Answer[] => ('scored' in outcome ? outcome.scored : outcome.rejected);
