import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';

/** What becomes of a request at the gate. `swallow`: the service behind does its work, and its answer is lost. */
export type Passage = 'pass' | 'hold' | 'swallow' | 'refuse';

/** Stands between the coordinator and a real service, to stop time where a crash would hurt most. */
export class Gate {
  private passage: Passage = 'pass';
  private readonly held: (() => void)[] = [];
  private readonly arrived: (() => void)[] = [];
  private readonly server = createServer((request, response) => void this.take(request, response));

  private constructor(private readonly behind: string) {}

  static async before(behind: string): Promise<Gate> {
    const gate = new Gate(behind);
    gate.server.listen(0, '127.0.0.1');
    await once(gate.server, 'listening');
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  /** Lets go of what is held, if it may now pass. */
  set(passage: Passage): void {
    this.passage = passage;
    if (passage !== 'hold') for (const release of this.held.splice(0)) release();
  }

  /** Resolves when a request has been held, or its answer swallowed. */
  caught(): Promise<void> {
    return new Promise((resolve) => this.arrived.push(resolve));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.passage === 'refuse') return void response.writeHead(503).end();
    if (this.passage === 'hold') {
      this.announce();
      await new Promise<void>((resolve) => this.held.push(resolve));
    }
    const onward = forward(`${this.behind}${request.url}`, { method: request.method, headers: { ...request.headers, host: new URL(this.behind).host } }, (answer) => {
      if (this.passage === 'swallow') {
        answer.resume();
        return void answer.once('end', () => this.announce());
      }
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }

  private announce(): void {
    for (const tell of this.arrived.splice(0)) tell();
  }
}
