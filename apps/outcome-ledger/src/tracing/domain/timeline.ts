/** What a row knows of the time its scoring took. Times are epoch milliseconds. */
export interface Timed {
  readonly requestedAtMs: number;
  readonly answeredAtMs: number;
  /** Kafka's timestamp of the answer; absent in rows from before it was kept. */
  readonly publishedAtMs: number | undefined;
  /** Milliseconds a stage; absent where nobody measured. */
  readonly timingsMs: Readonly<Record<string, number | undefined>> | undefined;
}

export interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Timeline {
  readonly scoring: Stretch;
  /** Absent where no model was asked. */
  readonly stages: { readonly features: Stretch; readonly queue: Stretch; readonly compute: Stretch } | undefined;
  readonly send: Stretch;
}

/**
 * When each stage was, as the worker lays them out: one after the other from pick-up on, so that they neither overlap nor leave their parent.
 * Only the acknowledgement of the answer is nobody's to know but the worker's; the brokers' own time of writing it down stands in.
 */
export function timelineOf(row: Timed): Timeline {
  const { timingsMs = {} } = row;
  const startMs = pickedUpAtMs(row);
  const sentMs = startMs + Math.max(0, (timingsMs['total'] ?? 0) - (timingsMs['transport'] ?? 0));
  const send = { startMs: sentMs, endMs: Math.max(sentMs, row.publishedAtMs ?? row.answeredAtMs) };
  return { scoring: { startMs, endMs: send.endMs }, stages: stagesFrom(startMs, timingsMs), send };
}

function stagesFrom(startMs: number, { features, queue, preprocess, inference }: NonNullable<Timed['timingsMs']>): Timeline['stages'] {
  if (inference === undefined) return undefined;
  const fetchedMs = startMs + (features ?? 0);
  const startedMs = fetchedMs + (queue ?? 0);
  const packedMs = startedMs + (preprocess ?? 0);
  return { features: { startMs, endMs: fetchedMs }, queue: { startMs: fetchedMs, endMs: startedMs }, compute: { startMs: packedMs, endMs: packedMs + inference } };
}

/** A worker whose clock is behind the brokers' picks up what is not sent yet: then no transport is left, and its own clock counts back from the answer. */
function pickedUpAtMs({ requestedAtMs, answeredAtMs, timingsMs }: Timed): number {
  const transportMs = timingsMs?.['transport'] ?? 0;
  if (transportMs > 0) return requestedAtMs + transportMs;
  return Math.min(requestedAtMs, Math.ceil(answeredAtMs - (timingsMs?.['total'] ?? 0)));
}
