import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { LocalStackError } from '../errors.js';
import { guard, unguard } from './guardian.js';
import { removePidFile, writePidFile } from './stray.js';

export interface ManagedOptions {
  /** For messages: `Kafka`. */
  readonly what: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Run as another user (as root only). */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  readonly logFile: string;
  readonly pidFile: string;
  readonly stopSignal: 'SIGINT' | 'SIGTERM';
  /** Recognises the line of output that says it is ready. */
  readonly isReadyLine: (line: string) => boolean;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface ProcessExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface ManagedProcess {
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<ProcessExit>;
  /** Asks it to end, forces it after a while; resolves when it has ended. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;
const LINES_KEPT = 20;

/**
 * Starts a process in a group of its own, writes its output to a log file, and resolves when it says that it is ready.
 *
 * @throws LocalStackError with its last words when it ends before, or says nothing for a minute; the error of the file system when the log cannot be opened.
 */
export async function startManaged(options: ManagedOptions): Promise<ManagedProcess> {
  const { what, logFile, pidFile } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile, { flags: 'a' });
  await once(log, 'open');
  // A disk that fills up costs lines of the log, not the process.
  log.on('error', () => undefined);
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    ...options.user,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lastLines: string[] = [];
  let failure: Error | undefined;
  child.on('error', (error) => (failure = error));
  const closed = new Promise<ProcessExit>((resolve) =>
    child.once('close', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined })),
  );
  const { pid } = child;
  if (pid !== undefined) {
    writePidFile(pidFile, pid);
    guard(pid, 'infrastructure', options.stopSignal === 'SIGINT' ? 'INT' : 'TERM');
  }

  let ready: () => void = () => undefined;
  const isReady = new Promise<'ready'>((resolve) => (ready = () => resolve('ready')));
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(log, { end: false });
    createInterface({ input: stream.pipe(new PassThrough()) }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > LINES_KEPT) lastLines.shift();
      if (options.isReadyLine(line)) ready();
    });
  }
  const exited = closed.finally(() => {
    log.end();
    removePidFile(pidFile);
    if (pid !== undefined) unguard(pid);
  });

  const stop = async () => {
    child.kill(options.stopSignal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await exited;
    clearTimeout(force);
  };

  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), READY_WITHIN_MS)));
  const state = await Promise.race([isReady, exited.then(() => 'ended' as const), tooLate]);
  clearTimeout(timer);
  if (state === 'ready' && pid !== undefined) return { pid, exited, stop };
  if (state === 'late') await stop();
  const lastWords = [...(failure ? [failure.message] : []), ...lastLines].join('\n');
  throw new LocalStackError(
    `${what} ${state === 'late' ? `was not ready within ${READY_WITHIN_MS / 1000} s` : 'ended before it was ready'}. Its last words:\n${lastWords}`,
    `The whole log is in ${logFile}.`,
  );
}
