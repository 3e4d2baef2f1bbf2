import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { EventTopic } from '@throughline/contracts';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Bus, EventBatch, RunningSubscription } from '../port.js';
import type { ConsumesOptions } from './consumes.js';

interface Registered {
  readonly options: ConsumesOptions;
  readonly handler: MessageHandler;
}

/** Nest's side of the bus: every method that `@Consumes` becomes one subscription. */
export class KafkaBatchStrategy extends Server implements CustomTransportStrategy {
  private readonly registered: Registered[] = [];
  private readonly running = new Map<string, RunningSubscription>();

  constructor(
    private readonly bus: Bus,
    private readonly service: string,
  ) {
    super();
  }

  /** Not the base's: it chains the handlers of one pattern, so that the first group's messages would reach the second's method. */
  override addHandler(pattern: unknown, callback: MessageHandler, _isEventHandler?: boolean, extras: Record<string, unknown> = {}): void {
    const options = extras['consumes'] as ConsumesOptions | undefined;
    if (options === undefined) throw new Error(`The handler of ${String(pattern)} is not declared by @Consumes; this transport knows batches only`);
    this.messageHandlers.set(`${options.group ?? this.service} ${options.topic}`, callback);
    this.registered.push({ options, handler: callback });
  }

  listen(callback: (error?: unknown) => void): void {
    this.subscribeAll().then(() => callback(), callback);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.running.values(), (subscription) => subscription.stop()));
  }

  on(): never {
    throw new Error('KafkaBatchStrategy emits no events; watch `bus.dead`');
  }

  unwrap<R>(): R {
    return this.bus as R;
  }

  /** The running subscription of a topic, to pause, resume or look at. */
  subscription(topic: EventTopic, group = this.service): RunningSubscription | undefined {
    return this.running.get(`${group} ${topic}`);
  }

  /** May be called again after it failed: what runs already stays. */
  private async subscribeAll(): Promise<void> {
    const subscribed = await Promise.allSettled(
      this.registered.map(async ({ options, handler }) => {
        const { topic, group = this.service } = options;
        if (this.running.has(`${group} ${topic}`)) return;
        const running = await this.bus.subscribe({ ...options, group, handler: (batch) => invoke(handler, batch) });
        this.running.set(`${group} ${topic}`, running);
      }),
    );
    const failed = subscribed.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}

/** Through Nest's pipeline (guards, interceptors, filters) to the method, once a batch. */
async function invoke(handler: MessageHandler, batch: EventBatch<EventTopic>): Promise<void> {
  const result: unknown = await handler(batch);
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
}
