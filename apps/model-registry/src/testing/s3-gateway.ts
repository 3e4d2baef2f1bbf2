import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, foreignToolFolder, freePort } from '@throughline/local-stack';

const VERSION = 'v1.8.0';
const MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
const CACHE = foreignToolFolder(`versitygw-${VERSION.slice(1)}`);
const INSTALL_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 10_000;

/** A real server of the S3 protocol over a folder; its credentials are in this process's environment while it runs. */
export interface S3Gateway {
  readonly endpoint: string;
  readonly bucket: string;
  /** Keys of the bucket. */
  keys(): Promise<string[]>;
  /** Overwrites an object behind the server's back. */
  damage(key: string, bytes: string): Promise<void>;
  read(key: string): Promise<Buffer>;
  stop(): Promise<void>;
}

/** The server's program, built once with Go and kept; `undefined`, and said so, where that cannot be done. */
export async function findGateway(): Promise<string | undefined> {
  const program = join(CACHE, 'versitygw');
  const isThere = (): Promise<boolean> => access(program).then(() => true, () => false);
  if (await isThere()) return program;
  try {
    await promisify(execFile)('go', ['install', '-ldflags=-s -w', MODULE], { env: { ...process.env, GOBIN: CACHE }, timeout: INSTALL_TIMEOUT_MS });
  } catch (error) {
    process.stderr.write(`\nSKIPPED: artifacts in an S3-compatible store are not tested: ${MODULE} cannot be built here: ${(error as Error).message.split('\n', 1)[0]}\n\n`);
  }
  return (await isThere()) ? program : undefined;
}

export async function startGateway(program: string): Promise<S3Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-s3-'));
  const bucket = 'models';
  await mkdir(join(folder, bucket));
  const port = await freePort();
  const [access, secret] = [randomBytes(8).toString('hex'), randomBytes(16).toString('hex')];
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret });
  const server = spawn(program, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder], { env: { ...process.env, ROOT_ACCESS_KEY: access, ROOT_SECRET_KEY: secret }, stdio: 'ignore' });
  const ended = once(server, 'exit');
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(endpoint);
  const file = (key: string): string => join(folder, bucket, key);
  return {
    endpoint, bucket,
    keys: async () => (await readdir(join(folder, bucket), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(join(folder, bucket).length + 1)),
    damage: (key, bytes) => writeFile(file(key), bytes),
    read: (key) => readFile(file(key)),
    stop: async () => {
      server.kill();
      await ended;
      delete process.env['AWS_ACCESS_KEY_ID'];
      delete process.env['AWS_SECRET_ACCESS_KEY'];
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answering(endpoint: string): Promise<void> {
  const isUp = (): Promise<boolean> => fetch(endpoint).then(() => true, () => false);
  if (!(await eventually(isUp, START_TIMEOUT_MS))) throw new Error(`no S3 server answers at ${endpoint}`);
}
