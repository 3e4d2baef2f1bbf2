import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './eventually.js';
import { identify, isAlive } from './identity.js';
import { startManaged } from './managed.js';
import { assertPortFree, freePort } from './ports.js';
import { clearStray, writePidFile } from './stray.js';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'throughline-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('a guarded child', () => {
  it('ends when its parent is killed by SIGKILL, even when it ignores the polite signal', { timeout: 30_000 }, async () => {
    const parent = spawn(process.execPath, [new URL('../../fixtures/guarded-parent.mjs', import.meta.url).pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const children = line.split(' ').map((pid) => identify(Number(pid)));
    expect(children.every((child) => child && isAlive(child))).toBe(true);
    parent.kill('SIGKILL');
    expect(await eventually(() => children.every((child) => child && !isAlive(child)), 20_000)).toBe(true);
  });
});

describe('identify', () => {
  it('knows itself, and no process under a pid that nobody has', () => {
    expect(identify(process.pid)).toEqual(identify(process.pid));
    expect(identify(2 ** 22 + 1)).toBeUndefined();
  });

  it('does not take a later process with the same pid for the one it knew', () => {
    expect(isAlive({ pid: process.pid, started: 'another time' })).toBe(false);
  });
});

describe('clearStray', () => {
  const pidFile = () => join(folder, 'x.pid');
  const startSleeper = () => spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });

  it('ends what an owner that died left behind', async () => {
    const sleeper = startSleeper();
    const child = identify(sleeper.pid ?? 0);
    writeFileSync(pidFile(), JSON.stringify({ child, owner: { pid: process.pid, started: 'before the crash' } }));
    await clearStray(pidFile(), 'X');
    expect(child && isAlive(child)).toBe(false);
  });

  it('refuses while its owner lives, and says who', async () => {
    const sleeper = startSleeper();
    const owner = identify(process.ppid);
    writeFileSync(pidFile(), JSON.stringify({ child: identify(sleeper.pid ?? 0), owner }));
    await expect(clearStray(pidFile(), 'X')).rejects.toThrow(
      `X is already running from ${folder} (process ${sleeper.pid}, started by process ${process.ppid}).`,
    );
    sleeper.kill('SIGKILL');
  });

  it.each(['', 'garbage', '{"child":1}'])('takes a pid file that holds %j for none', async (content) => {
    writeFileSync(pidFile(), content);
    await expect(clearStray(pidFile(), 'X')).resolves.toBeUndefined();
  });

  it('leaves a process alone that merely has the pid of one that is gone', async () => {
    const sleeper = startSleeper();
    writePidFile(pidFile(), sleeper.pid ?? 0);
    const innocent = identify(sleeper.pid ?? 0);
    writeFileSync(pidFile(), JSON.stringify({ child: { pid: innocent?.pid, started: 'long ago' }, owner: { pid: 1, started: 'long ago' } }));
    await clearStray(pidFile(), 'X');
    expect(innocent && isAlive(innocent)).toBe(true);
    sleeper.kill('SIGKILL');
  });
});

describe('startManaged', () => {
  const shell = (script: string) =>
    startManaged({
      what: 'It',
      command: '/bin/sh',
      args: ['-c', script],
      logFile: join(folder, 'it.log'),
      pidFile: join(folder, 'it.pid'),
      stopSignal: 'SIGTERM',
      isReadyLine: (line) => line === 'ready',
    });

  it('resolves at the ready line and stops on request', async () => {
    const started = await shell('echo ready; exec sleep 1000');
    const child = identify(started.pid);
    await started.stop();
    expect(child && isAlive(child)).toBe(false);
  });

  it('quotes the last words of a process that ends before it is ready', async () => {
    await expect(shell('echo "cannot find my shoes" >&2; exit 3')).rejects.toThrow(/ended before it was ready. Its last words:\ncannot find my shoes/);
  });

  it('says so when there is no such command', async () => {
    const start = startManaged({
      what: 'It',
      command: 'no-such-command',
      args: [],
      logFile: join(folder, 'it.log'),
      pidFile: join(folder, 'it.pid'),
      stopSignal: 'SIGTERM',
      isReadyLine: () => false,
    });
    await expect(start).rejects.toThrow('ENOENT');
  });
});

describe('ports', () => {
  it('a taken port is reported with what to do', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(assertPortFree(port, 'It', 'Do this.')).rejects.toThrow(new RegExp(`^It needs port ${port}, which .* has\\.\\nDo this\\.$`));
    server.close();
  });

  it('a free port can be listened on', async () => {
    const server = createServer().listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });
});
