import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 300_000;

/** Where programs of other languages are kept that tests talk to: in the user's cache, as all checkouts want the same. */
export const foreignToolFolder = (name: string): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'throughline', name);

/** Installs packages into a virtual environment. Rejects when the index does not have them. */
export type Pip = (...packages: string[]) => Promise<void>;

/**
 * A Python environment under this name, kept for the next run. One whose installation was interrupted is made anew.
 *
 * @returns the folder with its programs
 * @throws when there is no Python, or no package index in reach
 */
export async function pythonEnvironment(name: string, install: (pip: Pip) => Promise<void>): Promise<string> {
  const folder = foreignToolFolder(name);
  const programs = join(folder, 'bin');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return programs;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_TIMEOUT_MS });
  await install(async (...packages) => {
    await run(join(programs, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], { timeout: INSTALL_TIMEOUT_MS });
  });
  await writeFile(complete, '');
  return programs;
}
