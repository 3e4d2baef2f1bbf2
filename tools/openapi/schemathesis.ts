import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonEnvironment } from '@throughline/local-stack';

const VERSION = '4.32.5';

/** The same cases in every run. */
const SEED = '7';
const CHECKS = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'];

/**
 * The command, from PyPI.
 *
 * @throws when there is no Python, or no package index in reach
 */
export const installSchemathesis = async (): Promise<string> => join(await pythonEnvironment(`schemathesis-${VERSION}`, (pip) => pip(`schemathesis==${VERSION}`)), 'schemathesis');

export interface Search {
  /** Nothing was found. */
  readonly clean: boolean;
  /** What it says of the search and of each finding, with the command that repeats it. */
  readonly report: string;
}

/** Sends what the description allows and what it forbids, and compares the answers with it. @param withinSeconds it stops searching then */
export async function search(command: string, documentUrl: string, withinSeconds: number): Promise<Search> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-schemathesis-'));
  try {
    const options = ['--seed', SEED, '--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing', '--max-examples', '20', '--max-time', String(withinSeconds)];
    const quiet = ['--no-shrink', '--continue-on-failure', '--generation-database', 'none', '--warnings', 'off', '--no-color'];
    const child = spawn(command, ['run', documentUrl, ...options, ...quiet], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let report = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (report += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { clean: code === 0, report };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
