import { eventually, freePort, guard, unguard } from '@throughline/local-stack';
import type { ReceivedSpan } from '@throughline/telemetry/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_TIMEOUT_MS = 20_000;
const STORE = 'memory';
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

/** A span as Jaeger's query API tells it. */
export interface JaegerSpan extends ReceivedSpan {
  /** To its parent (`CHILD_OF`) and to what it links to (`FOLLOWS_FROM`). */
  readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly warnings: readonly string[];
}

export interface Jaeger {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** A trace as it stands; no spans where there is none. */
  trace(traceId: string): Promise<JaegerSpan[]>;
  /** A trace once it has spans of at least so many ids; rejects after the deadline with what there was. */
  traceOf(traceId: string, spans: number, deadlineMs?: number): Promise<JaegerSpan[]>;
  /** Ids of the traces that a search on the page would find: by service, operation, tags, begin of the trace's spans. */
  search(query: { service: string; operation?: string; tags?: Readonly<Record<string, string>>; sinceMs: number; untilMs: number }): Promise<string[]>;
  stop(): Promise<void>;
}

interface Tag { key: string; value: unknown }
interface Trace {
  readonly traceID: string;
  readonly processes: Readonly<Record<string, { serviceName: string }>>;
  readonly spans: readonly {
    traceID: string; spanID: string; operationName: string; startTime: number; duration: number; processID: string;
    references: JaegerSpan['references']; tags: Tag[]; warnings: string[] | null;
  }[];
}

/** A real Jaeger with a store in memory, on ports of its own. `assetsPath`: a build of its web page. */
export async function startJaeger(program: string, { queryPort, otlpPort, assetsPath }: { queryPort?: number; otlpPort?: number; assetsPath?: string } = {}): Promise<Jaeger> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-jaeger-'));
  const [query, otlp, grpc] = [queryPort ?? (await freePort()), otlpPort ?? (await freePort()), await freePort()];
  const config = join(folder, 'jaeger.yaml');
  await writeFile(config, JSON.stringify(configOf({ query, otlp, grpc, assetsPath })));
  const child = spawn(program, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (child.pid !== undefined) guard(child.pid, 'infrastructure', 'TERM');
  const ended = once(child, 'close');
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-2000)));
  const origin = `http://127.0.0.1:${query}`;
  const isUp = (): Promise<boolean> => Promise.all([fetch(`${origin}/api/services`), fetch(`http://127.0.0.1:${otlp}`)]).then(() => true, () => false);
  if (!(await eventually(async () => child.exitCode !== null || isUp(), START_TIMEOUT_MS)) || child.exitCode !== null) {
    child.kill('SIGKILL');
    throw new Error(`Jaeger does not answer at ${origin}: ${log}`);
  }
  const trace = async (traceId: string): Promise<JaegerSpan[]> => (await ask(`${origin}/api/traces/${traceId}`)).flatMap(spansOf);
  return {
    endpoint: `http://127.0.0.1:${otlp}`,
    trace,
    traceOf: async (traceId, spans, deadlineMs = 20_000) => {
      let seen: JaegerSpan[] = [];
      const isEnough = await eventually(async () => new Set((seen = await trace(traceId)).map(({ spanId }) => spanId)).size >= spans, deadlineMs);
      if (!isEnough) throw new Error(`after ${deadlineMs} ms trace ${traceId} had only: ${seen.map(({ service, name }) => `${service} ${name}`).join(', ')}`);
      return seen;
    },
    search: async ({ service, operation, tags, sinceMs, untilMs }) => {
      const parameters = new URLSearchParams({ service, ...(operation && { operation }), ...(tags && { tags: JSON.stringify(tags) }), start: String(sinceMs * 1000), end: String(untilMs * 1000), limit: '100' });
      return (await ask(`${origin}/api/traces?${parameters}`)).map(({ traceID }) => traceID);
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      if (child.pid !== undefined) unguard(child.pid);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML. No batching: what was exported can be asked for at once. */
const configOf = ({ query, otlp, grpc, assetsPath }: { query: number; otlp: number; grpc: number; assetsPath: string | undefined }): object => ({
  service: {
    extensions: ['jaeger_storage', 'jaeger_query'],
    pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
    telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
  },
  extensions: {
    jaeger_storage: { backends: { [STORE]: { memory: { max_traces: 100_000 } } } },
    jaeger_query: {
      storage: { traces: STORE }, http: { endpoint: `127.0.0.1:${query}` }, grpc: { endpoint: `127.0.0.1:${grpc}` },
      ...(assetsPath !== undefined && { ui: { assets_path: assetsPath } }),
    },
  },
  receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
  exporters: { jaeger_storage_exporter: { trace_storage: STORE } },
});

/** Nothing where Jaeger knows no such trace (404). */
async function ask(url: string): Promise<readonly Trace[]> {
  const response = await fetch(url);
  const { data } = (await response.json()) as { data: Trace[] | null };
  return data ?? [];
}

const spansOf = ({ spans, processes }: Trace): JaegerSpan[] =>
  spans.map(({ traceID, spanID, operationName, startTime, duration, processID, references, tags, warnings }) => {
    const { 'span.kind': kind, 'otel.status_description': failure, ...attributes } = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
    const links = references.filter(({ refType }) => refType === 'FOLLOWS_FROM').map((one) => ({ traceId: one.traceID, spanId: one.spanID }));
    return {
      service: processes[processID]!.serviceName, traceId: traceID, spanId: spanID, parentSpanId: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
      name: operationName, kind: KINDS.indexOf(String(kind)), startMs: startTime / 1000, endMs: (startTime + duration) / 1000,
      attributes, links, error: failure as string | undefined, references, warnings: warnings ?? [],
    };
  });
