import { applyDecorators, Catch, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import type { EventTopic } from '@throughline/contracts';
import { throwError, type Observable } from 'rxjs';
import type { BatchHandler, Subscription } from '../port.js';

/** What a method that consumes says; the method gets one argument, an `EventBatch<T>`. */
export type ConsumesOptions<T extends EventTopic = EventTopic> = Pick<
  Subscription<T>,
  'topic' | 'maxBatchSize' | 'maxInFlightBatches' | 'undecodable' | 'unhandled' | 'maxAttempts'
> & {
  /** Consumer group; by default the name of the service. */
  readonly group?: string;
};

/** Nest's own filter would turn every error into “Internal server error”; retry and dead letter read the code. */
@Catch()
class RethrowFilter implements ExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}

/** Fits methods that take a batch of this topic. */
export type ConsumesDecorator<T extends EventTopic> = <M extends BatchHandler<T>>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Makes a controller's method the handler of a topic. It resolves when every effect of the batch is durable; its errors steer retry and
 * dead letter (see `BatchHandler`).
 */
export function Consumes<T extends EventTopic>(options: ConsumesOptions<T>): ConsumesDecorator<T> {
  return applyDecorators(EventPattern(options.topic, { consumes: options }) as MethodDecorator, UseFilters(new RethrowFilter()));
}
