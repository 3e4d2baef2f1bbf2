import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { percentilesOf, type Percentiles } from '../measure/statistics.ts';

export interface HttpOpenLoopOptions {
  readonly url: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** Sent and not counted. */
  readonly warmUpSeconds: number;
  readonly bodies: readonly string[];
}

export interface HttpLatency extends Percentiles {
  readonly sent: number;
  readonly failed: number;
}

const MAX_CONNECTIONS = 64;

/** Requests leave on schedule, each on a free connection; latency counts from when it should have left until its answer was read whole. */
export async function httpOpenLoop({ url, ratePerSecond, seconds, warmUpSeconds, bodies }: HttpOpenLoopOptions): Promise<HttpLatency> {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  const total = ratePerSecond * (warmUpSeconds + seconds);
  const latencyMs = new Float64Array(total).fill(Number.NaN);
  const pending = new Set<Promise<void>>();
  let failed = 0;
  const startMs = performance.now() + 50;
  for (let index = 0; index < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000) + 1);
    for (; index < due; index++) {
      const number = index;
      const answered = post(agent, url, bodies[number % bodies.length]!).then(
        (status) => {
          if (status === 200) latencyMs[number] = performance.now() - startMs - (number * 1000) / ratePerSecond;
          else failed += 1;
        },
        () => void (failed += 1),
      ).finally(() => pending.delete(answered));
      pending.add(answered);
    }
    await delay(1);
  }
  await Promise.all(pending);
  agent.destroy();
  return { ...percentilesOf(latencyMs.subarray(warmUpSeconds * ratePerSecond)), sent: total, failed };
}

const post = (agent: Agent, url: string, body: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const call = request(url, { agent, method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    call.once('error', reject);
    call.end(body);
  });
