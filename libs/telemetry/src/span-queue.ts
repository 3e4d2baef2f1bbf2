import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';

export interface SpanQueueOptions {
  readonly exporter: SpanExporter;
  /** Spans waiting at most; more are dropped and counted. */
  readonly maxQueueSize?: number;
  readonly maxBatchSize?: number;
  readonly delayMs?: number;
  readonly onExported: (count: number) => void;
  readonly onDropped: (count: number, reason: 'queue_full' | 'export_failed', error?: Error) => void;
}

/** Bounded, batching, and it knows what it lost: the SDK's processor drops in silence. */
export class SpanQueue {
  private waiting = 0;
  private readonly maxQueueSize: number;
  private readonly processor: BatchSpanProcessor;

  constructor(private readonly options: SpanQueueOptions) {
    this.maxQueueSize = options.maxQueueSize ?? 8192;
    this.processor = new BatchSpanProcessor({
      exporter: this.countingExporter(),
      maxQueueSize: this.maxQueueSize,
      maxExportBatchSize: Math.min(options.maxBatchSize ?? 512, this.maxQueueSize),
      scheduledDelayMillis: options.delayMs ?? 1000,
      exportTimeoutMillis: 15_000,
    });
  }

  add(span: ReadableSpan): void {
    if (this.waiting >= this.maxQueueSize) return this.options.onDropped(1, 'queue_full');
    this.waiting += 1;
    this.processor.onEnd(span);
  }

  flush(): Promise<void> {
    return this.processor.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.processor.shutdown();
  }

  private countingExporter(): SpanExporter {
    const { exporter, onExported, onDropped } = this.options;
    return {
      export: (spans, done) => {
        this.waiting -= spans.length;
        exporter.export(spans, (result: ExportResult) => {
          if (result.code === ExportResultCode.SUCCESS) onExported(spans.length);
          else onDropped(spans.length, 'export_failed', result.error);
          // Counted and reported above: the processor would only log it once more.
          done({ code: ExportResultCode.SUCCESS });
        });
      },
      shutdown: () => exporter.shutdown(),
      forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    };
  }
}
