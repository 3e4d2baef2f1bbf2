import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
const START_TIMEOUT_MS = 30_000;

/** The built worker as a process of its own. */
export class WorkerProcess {
  private constructor(private readonly child: ChildProcess, readonly url: string) {}

  /** Resolves when it listens; it may not be ready yet. */
  static async start(env: Record<string, string>): Promise<WorkerProcess> {
    const child = spawn(process.execPath, [MAIN], { env: { ...process.env, ...env, LOG_LEVEL: 'info' }, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    const url = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the worker does not listen:\n${lines.join('\n')}`)), START_TIMEOUT_MS);
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}:\n${lines.join('\n')}`)));
      createInterface({ input: child.stdout! }).on('line', (line) => {
        lines.push(line);
        const { msg, url: listening } = JSON.parse(line) as { msg: string; url?: string };
        if (msg !== 'listening') return;
        clearTimeout(timer);
        resolve(listening!);
      });
    });
    return new WorkerProcess(child, url);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}
