import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly error: string | undefined;
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** All that was exported, as it came over the wire: for what must not be in it. */
  readonly text: () => string;
  /** Resolves with all spans once `enough` says so; rejects after the deadline. */
  until(enough: (spans: readonly ReceivedSpan[]) => boolean, deadlineMs?: number): Promise<readonly ReceivedSpan[]>;
  /** Answers this status from now on; 200 takes spans. */
  answer(status: number): void;
  close(): Promise<void>;
}

interface OtlpValue { stringValue?: string; intValue?: string | number; doubleValue?: number; boolValue?: boolean; arrayValue?: { values: OtlpValue[] } }
interface OtlpAttribute { key: string; value: OtlpValue }
interface OtlpSpan {
  traceId: string; spanId: string; parentSpanId?: string; name: string; kind: number; startTimeUnixNano: string; endTimeUnixNano: string;
  attributes?: OtlpAttribute[]; links?: { traceId: string; spanId: string }[]; status?: { code?: number; message?: string };
}
interface OtlpRequest { resourceSpans: { resource: { attributes: OtlpAttribute[] }; scopeSpans: { spans: OtlpSpan[] }[] }[] }

/** A real OTLP/HTTP endpoint (JSON) on a port of its own that keeps what it gets; for tests of any service. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const listeners = new Set<() => void>();
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (status === 200 && request.url === '/v1/traces') {
        const body = Buffer.concat(chunks).toString('utf8');
        bodies.push(body);
        spans.push(...decode(JSON.parse(body) as OtlpRequest));
      }
      response.writeHead(request.url === '/v1/traces' ? status : 404, { 'content-type': 'application/json' }).end('{}');
      for (const listener of listeners) listener();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    text: () => bodies.join('\n'),
    answer: (next) => { status = next; },
    until: (enough, deadlineMs = 10_000) => waitUntil(spans, listeners, enough, deadlineMs),
    close: () => new Promise((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }),
  };
}

function waitUntil(spans: readonly ReceivedSpan[], listeners: Set<() => void>, enough: (spans: readonly ReceivedSpan[]) => boolean, deadlineMs: number): Promise<readonly ReceivedSpan[]> {
  if (enough(spans)) return Promise.resolve(spans);
  return new Promise((resolve, reject) => {
    const listener = (): void => {
      if (enough(spans)) finish(() => resolve(spans));
    };
    const timer = setTimeout(() => finish(() => reject(new Error(`after ${deadlineMs} ms there were only: ${spans.map(({ name }) => name).join(', ')}`))), deadlineMs);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      listeners.delete(listener);
      settle();
    };
    listeners.add(listener);
  });
}

const decode = (request: OtlpRequest): ReceivedSpan[] =>
  request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => decodeSpan(span, service)));
  });

function decodeSpan(span: OtlpSpan, service: string): ReceivedSpan {
  return {
    service, traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentSpanId || undefined, name: span.name, kind: span.kind,
    startMs: milliseconds(span.startTimeUnixNano), endMs: milliseconds(span.endTimeUnixNano),
    attributes: attributesOf(span.attributes ?? []),
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
    error: span.status?.code === 2 ? (span.status.message ?? '') : undefined,
  };
}

const attributesOf = (attributes: OtlpAttribute[]): Record<string, unknown> => Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

function plain(value: OtlpValue): unknown {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(plain);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}

/** Nanoseconds as text exceed what a double holds; microseconds do not. */
const milliseconds = (nanos: string): number => Number(BigInt(nanos) / 1000n) / 1000;
