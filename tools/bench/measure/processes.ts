import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc; Linux has used 100 for user space for decades. */
const TICKS_PER_SECOND = 100;

/** CPU seconds (user and system) a process has used so far. Linux only. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident set of a process, bytes. Linux only. */
export function residentBytesOf(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').find((text) => text.startsWith('VmRSS:'));
  return Number(line?.match(/\d+/)?.[0] ?? 0) * 1024;
}

/** Cores that processes kept busy while something ran, by the names given. */
export async function coresDuring<T>(pids: Readonly<Record<string, number>>, work: () => Promise<T>): Promise<{ result: T; cores: Record<string, number> }> {
  const read = (): Record<string, number> => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)]));
  const before = read();
  const startMs = performance.now();
  const result = await work();
  const seconds = (performance.now() - startMs) / 1000;
  const after = read();
  return { result, cores: Object.fromEntries(Object.keys(pids).map((name) => [name, (after[name]! - before[name]!) / seconds])) };
}

/** Starts a script of `children/` and waits until it says that it is ready. */
export async function startScript(script: string, options: object): Promise<ChildProcess> {
  const child = fork(new URL(`../children/${script}`, import.meta.url), [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const first = await nextMessage<unknown>(child).catch((error: Error) => error.message);
  if (first !== 'ready') throw new Error(`${script} did not get ready: ${String(first)}`);
  return child;
}

/** The next thing that a script of ours says, once it is asked. */
export function ask<T>(child: ChildProcess, question: object): Promise<T> {
  const answer = nextMessage<T>(child);
  child.send(question);
  return answer;
}

const nextMessage = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the process ended with ${String(code)} instead of an answer`));
    child.once('exit', onExit);
    child.once('message', (answer: T) => {
      child.off('exit', onExit);
      resolve(answer);
    });
  });

export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
