import { baseTopicOf, type Bus, type OwnTopic, type RunningSubscription } from '@throughline/bus';
import { toContractError } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import type { RequestTopic } from '../domain/scoring-request.js';
import { LANES } from './lanes.js';
import type { TopicScoring } from './topic-scoring.js';

const RETRY_MS = 2_000;

export interface OwnRequestTopicsOptions {
  readonly bus: Pick<Bus, 'subscribe'> & { readonly admin: Pick<Bus['admin'], 'ensureTopic'> };
  readonly group: string;
  readonly scoring: Pick<TopicScoring, 'answer'>;
  /** All that the deployments of this moment name. */
  readonly wanted: () => ReadonlySet<string>;
  readonly logger: Logger;
  /** Before a topic that could not be joined is tried again. */
  readonly retryMs?: number;
}

/** Reads the request topics that deployments name for themselves, each with partitions, lag and turns of its own: a flood elsewhere does not stand before them. */
export class OwnRequestTopics {
  private readonly running = new Map<string, RunningSubscription>();
  private reconciling: Promise<void> | undefined;
  private isStale = false;
  private isClosed = false;
  private hasStarted = false;
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly options: OwnRequestTopicsOptions) {}

  /** From now on topics are read; before the models are warm others had better read them. */
  async start(): Promise<void> {
    this.hasStarted = true;
    await this.changed();
  }

  /** The deployments name other topics than before, perhaps. Resolves when what they name is read. */
  changed(): Promise<void> {
    if (!this.hasStarted || this.isClosed) return Promise.resolve();
    this.isStale = true;
    this.reconciling ??= this.reconcile().then(() => {
      this.reconciling = undefined;
      // Somebody may have called after the loop ended and before this.
      return this.isStale ? this.changed() : undefined;
    });
    return this.reconciling;
  }

  /** Drains and leaves all; with the other lanes, before the models close: else rows in flight would be answered by nobody. */
  async stop(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    await this.reconciling;
    await Promise.all(Array.from(this.running.values(), (subscription) => subscription.stop()));
  }

  private async reconcile(): Promise<void> {
    while (this.isStale && !this.isClosed) {
      this.isStale = false;
      const wanted = this.options.wanted();
      for (const topic of wanted) if (!this.running.has(topic)) await this.join(topic);
      for (const topic of this.running.keys()) if (!wanted.has(topic)) await this.leave(topic);
    }
  }

  private async join(topic: string): Promise<void> {
    const base = baseTopicOf(topic) as RequestTopic;
    const { bus, group, scoring, logger, retryMs = RETRY_MS } = this.options;
    try {
      await bus.admin.ensureTopic(topic as OwnTopic);
      const subscription = await bus.subscribe({ ...LANES[base].intake, topic: base, ownTopic: topic as OwnTopic<RequestTopic>, group, handler: (batch) => scoring.answer(batch) });
      this.running.set(topic, subscription);
      if (this.isClosed) return void (await subscription.stop());
      logger.info({ topic }, 'reading requests from a topic of a deployment’s own');
    } catch (thrown) {
      const { code, message } = toContractError(thrown);
      logger.error({ topic, code, reason: message, retryInMs: retryMs }, 'a request topic of a deployment’s own cannot be read');
      this.retry = setTimeout(() => void this.changed(), retryMs);
    }
  }

  private async leave(topic: string): Promise<void> {
    const subscription = this.running.get(topic);
    this.running.delete(topic);
    await subscription?.stop();
    this.options.logger.warn({ topic }, 'no deployment names this request topic any more; what it still holds stays unread');
  }
}
