import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Runs a script of this folder, as built, in a process of its own that a test may kill; `input` is its only argument. */
export function startChild(script: string, input: unknown): ChildProcess {
  const file = fileURLToPath(new URL(`../../dist/testing/${script}`, import.meta.url));
  return spawn(process.execPath, [file, JSON.stringify(input)], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Ends a child as a power failure would, and waits until it is gone. */
export async function killHard(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Resolves when the child has ended by itself, with the signal that ended it. */
export async function ended(child: ChildProcess): Promise<NodeJS.Signals | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode;
}
