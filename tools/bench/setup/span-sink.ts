import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SpanSink {
  readonly url: string;
  /** Bytes of spans that arrived. */
  readonly bytes: () => number;
  close(): void;
}

/** Takes spans over OTLP/HTTP and forgets them: what a collector costs is not what is measured. */
export async function startSpanSink(): Promise<SpanSink> {
  let received = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (received += chunk.length));
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => received,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
