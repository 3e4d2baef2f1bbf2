import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { guard, removePidFile, unguard, writePidFile } from '@throughline/local-stack';
import type { Exit } from '../domain/restart.js';

export interface ChildOptions {
  readonly script: string;
  readonly args?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly pidFile: string;
  readonly onLine: (line: string) => void;
}

/** A process under way. */
export interface Run {
  readonly pid: number | undefined;
  readonly exited: Promise<Exit>;
  /** Asks it to end, forces it after a while; resolves when it has ended. */
  stop(): Promise<void>;
}

/** A service drains first; then it is ended anyway. */
const STOP_WITHIN_MS = 10_000;
const MAX_LOG_BYTES = 50 * 1024 * 1024;

/** Runs a script under this Node, its output into a log file and line by line to `onLine`. */
export function startChild({ script, args = [], env, logFile, pidFile, onLine }: ChildOptions): Run {
  const log = openLog(logFile);
  // In a process group of its own: a Ctrl-C on the terminal must reach it through the platform only, in order.
  const child = spawn(process.execPath, ['--enable-source-maps', script, ...args], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid !== undefined) {
    guard(pid, 'service', 'TERM');
    writePidFile(pidFile, pid);
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(log, { end: false });
    createInterface({ input: stream.pipe(new PassThrough()) }).on('line', onLine);
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      onLine(error.message);
      resolve({ code: undefined });
    });
    child.once('close', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
  }).finally(() => {
    log.end();
    removePidFile(pidFile);
    if (pid !== undefined) unguard(pid);
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await exited;
    clearTimeout(force);
  };
  return { pid, exited, stop };
}

function openLog(file: string): NodeJS.WritableStream {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  return createWriteStream(file, { flags: 'a' });
}
