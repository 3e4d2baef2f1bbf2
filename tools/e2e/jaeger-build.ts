import { foreignToolFolder } from '@throughline/local-stack';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = 'v1.76.0';
const MODULE = `github.com/jaegertracing/jaeger@${VERSION}`;
const PACKAGE = './cmd/jaeger';
const CACHE = foreignToolFolder(`jaeger-${VERSION.slice(1)}`);
const PROGRAM = join(CACHE, 'jaeger');
const SAY_EVERY_MS = 15_000;
/** Far beyond what it takes on two cores: about five minutes. */
const BUILD_TIMEOUT_MS = 20 * 60_000;

/**
 * The program of a real Jaeger v2, built once with Go and kept in the user's cache; progress goes to standard error. Its web page is a
 * placeholder in that build, its query API is whole. `undefined`, and said so, where it cannot be built.
 */
export async function findJaeger(): Promise<string | undefined> {
  if (existsSync(PROGRAM)) return PROGRAM;
  try {
    await build();
    return PROGRAM;
  } catch (error) {
    say(`\nSKIPPED: traces in a real Jaeger are not tested: ${MODULE} cannot be built here: ${(error as Error).message.split('\n', 1)[0]}\n`);
    return undefined;
  }
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function build(): Promise<void> {
  const startedMs = performance.now();
  say(`${MODULE} is built for the tests, once: about five minutes on two cores, and 2 GB of Go's caches. Its sources come first …`);
  // Built where Go keeps its sources: the module's `replace` line forbids `go install`.
  const { stdout } = await run('go', ['mod', 'download', '-json', MODULE], { timeout: BUILD_TIMEOUT_MS });
  const sources = (JSON.parse(stdout) as { Dir: string }).Dir;
  const packages = await run('go', ['list', '-deps', PACKAGE], { cwd: sources, timeout: BUILD_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 });
  const total = packages.stdout.trimEnd().split('\n').length;
  await mkdir(CACHE, { recursive: true });
  const scratch = await mkdtemp(join(CACHE, 'building-'));
  try {
    await compile(sources, join(scratch, 'jaeger'), total, startedMs);
    // Two runs may build at once; a half-written program is never found.
    await rename(join(scratch, 'jaeger'), PROGRAM);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  say(`${MODULE} is built and kept in ${CACHE} (${Math.round((performance.now() - startedMs) / 1000)} s)`);
}

/** At the lowest priority: other tests run meanwhile. */
async function compile(sources: string, program: string, total: number, startedMs: number): Promise<void> {
  const go = spawn('nice', ['-n', '19', 'go', 'build', '-v', '-ldflags=-s -w', '-o', program, PACKAGE], {
    cwd: sources, env: { ...process.env, CGO_ENABLED: '0' }, stdio: ['ignore', 'ignore', 'pipe'], timeout: BUILD_TIMEOUT_MS,
  });
  let compiled = 0;
  let last = '';
  createInterface({ input: go.stderr }).on('line', (line) => {
    compiled += 1;
    last = line;
  });
  const telling = setInterval(() => say(`${MODULE}: ${compiled} of at most ${total} packages after ${Math.round((performance.now() - startedMs) / 1000)} s`), SAY_EVERY_MS);
  const [code] = (await once(go, 'close').finally(() => clearInterval(telling))) as [number | null];
  if (code !== 0) throw new Error(`go build ended with ${code}: ${last}`);
}
