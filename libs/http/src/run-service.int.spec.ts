import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';

// Each starts a process.
vi.setConfig({ testTimeout: 30_000 });

interface Spawned {
  readonly child: ChildProcess;
  readonly lines: string[];
  until(matches: (line: string) => boolean): Promise<string>;
  readonly exit: Promise<{ code: number | null; signal: string | null }>;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(mode: string, env: Record<string, string> = {}): Spawned {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../fixtures/service.mjs', import.meta.url)), mode], { env: { PATH: process.env['PATH'], LOG_LEVEL: 'info', ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  createInterface({ input: child.stdout! }).on('line', (line) => {
    lines.push(line);
    for (const listener of waiting) listener(line);
  });
  return {
    child,
    lines,
    until: (matches) =>
      new Promise((resolve, reject) => {
        const seen = lines.find(matches);
        if (seen !== undefined) return resolve(seen);
        waiting.add((line) => { if (matches(line)) resolve(line); });
        child.once('exit', () => reject(new Error(`ended before; said:\n${lines.join('\n')}`)));
      }),
    exit: new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal }))),
  };
}

const listening = async (service: Spawned): Promise<string> =>
  (JSON.parse(await service.until((line) => line.includes('"listening"'))) as { url: string }).url;
const steps = (service: Spawned): string[] => service.lines.filter((line) => line.startsWith('step ')).map((line) => line.slice(5));

describe('a service that is asked to end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('answers what it has begun, then stops in order, and exits 0 on %s', async (signal) => {
    const service = start('ok');
    const url = await listening(service);
    const answer = fetch(`${url}/slow`).then((response) => response.json());
    await service.until((line) => line === 'step request received');
    service.child.kill(signal);
    expect(await answer).toEqual({ answered: true });
    expect(await service.exit).toEqual({ code: 0, signal: null });
    expect(steps(service)).toEqual(['request received', 'consumer stopped', 'drained', 'producer flushed', 'consumer stopped', 'database closed']);
  });
  it('ends at once when asked a second time', async () => {
    const service = start('hang');
    await listening(service);
    service.child.kill('SIGINT');
    await service.until((line) => line.includes('shutting down'));
    await service.until((line) => line === 'step consumer stopped');
    service.child.kill('SIGINT');
    expect(await service.exit).toEqual({ code: 1, signal: null });
  });
});

describe('a service that cannot go on', () => {
  it('still ends in order, but not with 0, when its bus is dead', async () => {
    const service = start('die');
    expect(await service.exit).toEqual({ code: 1, signal: null });
    expect(steps(service)).toContain('database closed');
    expect(service.lines.join('\n')).toContain('the broker is gone for good');
  });
  it('exits 1 on a rejection nobody handled', async () => {
    const service = start('throw');
    expect(await service.exit).toEqual({ code: 1, signal: null });
    expect(service.lines.join('\n')).toContain('nobody caught this');
  });
  it('exits 1 when it cannot start, and closes what it had opened', async () => {
    const service = start('broken');
    expect(await service.exit).toEqual({ code: 1, signal: null });
    expect(steps(service)).toContain('database closed');
  });
  it('exits 78 and names the setting when the configuration is wrong: restarting cannot help', async () => {
    const service = start('ok', { PORT: 'three thousand' });
    expect(await service.exit).toEqual({ code: 78, signal: null });
    expect(service.lines.join('\n')).toMatch(/PORT is \\"three thousand\\"; expected a TCP port/);
  });
});
