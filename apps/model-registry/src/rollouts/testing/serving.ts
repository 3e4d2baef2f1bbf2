import type { Bus } from '@throughline/bus';
import { encodeEvent, type EventData, type ModelDeployment, type PredictionScored, type ServingReported } from '@throughline/contracts';
import { publish } from '../evidence/testing/publish.js';

export interface AnswerOptions {
  readonly scoreOf?: (version: string, index: number) => number;
  readonly totalMsOf?: (version: string, index: number) => number;
  /** A version that fails: a fallback answers. */
  readonly failsOf?: (version: string, index: number) => boolean;
}

/** Plays the part of the workers on the topics: takes over deployments, says what is warm, answers by the split. */
export class Serving {
  readonly deployments: ModelDeployment[] = [];
  private readonly cold = new Map<string, { code: string; reason: string }>();
  private sequence = 0;
  private stopFollowing: () => Promise<void> = async () => undefined;

  private constructor(private readonly bus: Bus, private readonly worker: string) {}

  static async start(bus: Bus, worker = 'worker-1'): Promise<Serving> {
    const serving = new Serving(bus, worker);
    const following = await bus.follow({ topic: 'model.deployment.v1', onEvent: ({ data }) => serving.takeOver(data) });
    serving.stopFollowing = () => following.stop();
    return serving;
  }

  /** From now on this version cannot be loaded. */
  refuse(version: string, code: string, reason: string): void {
    this.cold.set(version, { code, reason });
  }

  latest(model: string): ModelDeployment | undefined {
    return this.deployments.findLast((deployment) => deployment.model === model);
  }

  /** Answers `count` requests, each of a key of its own, as the latest deployment says; shadows included. */
  async answer(model: string, count: number, { scoreOf = () => 0.5, totalMsOf = () => 4, failsOf = () => false }: AnswerOptions = {}): Promise<EventData<'prediction.scored.v1'>[]> {
    const deployment = this.latest(model)!;
    const scored = Array.from({ length: count }, (_, index): PredictionScored => {
      const number = this.sequence++;
      const challenger = deployment.challengers.find(({ share }) => (number * 0.6180339887) % 1 < share!);
      const version = (challenger ?? deployment.champion)!.version;
      const fails = failsOf(version, index);
      return {
        predictionId: uuid(number), requestSource: '/test', requestId: `r-${number}`, lane: 'stream', occurredAt: '2001-02-03T04:05:06Z', requestedAt: '2026-11-21T12:00:00Z', routingKey: `key-${number}`,
        model, version, artifactSha256: 'a'.repeat(64), role: challenger === undefined ? 'champion' : 'challenger', assignmentRevision: deployment.revision, outputs: {}, score: scoreOf(version, index), features: { values: [] },
        timingsMs: { total: totalMsOf(version, index) }, batchSize: 1, scoredAt: '2026-11-21T12:00:00Z', worker: this.worker,
        ...(fails ? { fallback: { kind: 'constant', reason: 'model_failed', insteadOf: version } } : {}),
      };
    });
    await publish(this.bus, 'prediction.scored.v1', scored);
    const shadows = deployment.shadows.flatMap(({ version }) => scored.map((answered, index) => ({
      ...answered, version, role: 'shadow' as const, score: scoreOf(version, index), answered: { version: answered.version, role: answered.role, score: answered.score!, totalMs: answered.timingsMs.total! },
    })));
    await publish(this.bus, 'prediction.shadowed.v1', shadows);
    return scored;
  }

  /** What the ledger would tell of these answers. */
  async tellOutcomes(answers: readonly PredictionScored[], outcomeOf: (answer: PredictionScored, index: number) => boolean): Promise<void> {
    await publish(this.bus, 'outcome.joined.v1', answers.map((answer, index) => {
      const outcome = outcomeOf(answer, index);
      const { predictionId, requestSource, requestId, model, version, role, lane, assignmentRevision, score } = answer;
      return {
        predictionId, requestSource, requestId, model, version, role, lane, assignmentRevision, routingKey: answer.routingKey!, score: score!, outcome, outcomeSource: 'test', sequence: 0, correction: false,
        predictedFor: answer.occurredAt, requestedAt: answer.requestedAt, outcomeOccurredAt: '2001-02-03T06:05:06Z', delaySeconds: 7200, error: score! - Number(outcome), correct: score! >= 0.5 === outcome,
      };
    }));
  }

  async stop(): Promise<void> {
    await this.stopFollowing();
  }

  private async takeOver(deployment: ModelDeployment): Promise<void> {
    this.deployments.push(deployment);
    const { model, revision, champion, challengers, shadows, standbys = [] } = deployment;
    const versions = [...(champion === undefined ? [] : [champion]), ...challengers, ...shadows, ...standbys].map(({ version }) => version);
    const report: ServingReported = {
      worker: this.worker, model, revision, warm: versions.filter((version) => !this.cold.has(version)),
      cold: versions.filter((version) => this.cold.has(version)).map((version) => ({ version, ...this.cold.get(version)! })), reportedAt: new Date().toISOString(),
    };
    await this.bus.producer.send({ topic: 'serving.reported.v1', key: `${this.worker}|${model}`, ...encodeEvent('serving.reported.v1', { id: `${this.worker}|${model}|${revision}`, source: '/test', timeMs: Date.now(), data: report }) });
  }
}

const uuid = (number: number): string => `00000000-0000-5000-8000-${number.toString(16).padStart(12, '0')}`;
