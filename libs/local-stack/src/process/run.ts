import { execFile } from 'node:child_process';

export interface CommandResult {
  readonly ok: boolean;
  /** Both streams. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** Runs a command to its end; never rejects. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(command, args, { ...options, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      const output = [stdout, stderr, error && !stderr ? error.message : ''].filter(Boolean).join('\n').trim();
      resolve({ ok: error === null, output });
    });
  });
}
