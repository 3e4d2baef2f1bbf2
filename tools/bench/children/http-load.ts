/** Saturating load over HTTP in a process of its own, so that its share of the machine can be told: as many connections as asked, each with one request at a time. */
import autocannon from 'autocannon';

export interface HttpLoadQuestion {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly bodies: readonly string[];
}

export interface HttpLoadAnswer {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

process.on('message', (question: HttpLoadQuestion) => {
  const { url, connections, seconds, bodies } = question;
  const requests = bodies.map((body) => ({ method: 'POST' as const, headers: { 'content-type': 'application/json' }, body }));
  autocannon({ url, connections, duration: seconds, requests }).then((result) => {
    const { requests: answered, duration, latency, errors, timeouts, non2xx } = result;
    const answer: HttpLoadAnswer = { requestsPerSecond: answered.total / duration, p50Ms: latency.p50, p99Ms: latency.p99, failed: errors + timeouts + non2xx };
    process.send?.(answer);
  }, (error: unknown) => {
    throw error;
  });
});
process.send?.('ready');
