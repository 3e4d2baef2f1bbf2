import { createServer, type Server } from 'node:http';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@throughline/onnx';
import { createLogger } from '@throughline/telemetry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArtifactCache } from './artifact-cache.js';

const bytes = (fill: number) => new Uint8Array(1000).fill(fill);
const idOf = (fill: number) => sha256Hex(bytes(fill));

let folder: string;
let registry: Server;
let served: Map<string, Uint8Array>;
let requests: number;
let registryUrl: string;
const lines: { level: string; msg: string; cure?: string }[] = [];
const logger = createLogger('test', { level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line)) } });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'artifacts-'));
  served = new Map([1, 2, 3].map((fill) => [idOf(fill), bytes(fill)]));
  requests = 0;
  lines.length = 0;
  registry = createServer((request, response) => {
    requests++;
    const found = served.get(request.url!.replace('/registry/v1/artifacts/', ''));
    if (found === undefined) response.writeHead(404).end();
    else response.end(found);
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  registryUrl = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
});

afterEach(async () => {
  registry.close();
  registry.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

let authorization: string | undefined;
const cache = (maxBytes = 1e6) => new ArtifactCache({ folder, maxBytes, timeoutMs: 5_000, registryUrl, logger });

it('downloads an artifact once and finds it in its folder from then on, without the registry', async () => {
  expect(Buffer.from(await cache().get(idOf(1), 1000))).toEqual(Buffer.from(bytes(1)));
  registry.close();
  registry.closeAllConnections();
  expect(Buffer.from(await cache().get(idOf(1), 1000))).toEqual(Buffer.from(bytes(1)));
  expect(requests).toBe(1);
});

it('names itself to the registry by its key', async () => {
  registry.once('request', ({ headers }) => (authorization = headers.authorization));
  await new ArtifactCache({ folder, maxBytes: 1e6, timeoutMs: 5_000, registryUrl, serviceKey: 'tl_worker_secret', logger }).get(idOf(1), 1000);
  expect(authorization).toBe('Bearer tl_worker_secret');
});

it('downloads an artifact once for all who want it at the same time', async () => {
  const shared = cache();
  const all = await Promise.all(Array.from({ length: 10 }, () => shared.get(idOf(1), 1000)));
  for (const one of all) expect(sha256Hex(one)).toBe(idOf(1));
  expect(requests).toBe(1);
  expect(await readdir(folder)).toEqual([`${idOf(1)}.onnx`]);
});

it('refuses bytes that are not the promised ones, and keeps nothing of them', async () => {
  served.set(idOf(1), bytes(9));
  await expect(cache().get(idOf(1), 1000)).rejects.toMatchObject({ code: 'artifact_hash_mismatch' });
  served.set(idOf(1), new Uint8Array(5_000_000));
  await expect(cache().get(idOf(1), 1000)).rejects.toMatchObject({ code: 'artifact_hash_mismatch' });
  expect(await readdir(folder)).toEqual([]);
});

it('replaces a cached file that has been damaged', async () => {
  await cache().get(idOf(1), 1000);
  const file = join(folder, `${idOf(1)}.onnx`);
  await writeFile(file, 'damaged');
  await cache().get(idOf(1), 1000);
  expect(sha256Hex(await readFile(file))).toBe(idOf(1));
});

it('tells an artifact that is nowhere from a registry that is away', async () => {
  await expect(cache().get(idOf(4), 1000)).rejects.toMatchObject({ code: 'not_found' });
  registry.close();
  registry.closeAllConnections();
  await expect(cache().get(idOf(4), 1000)).rejects.toMatchObject({ code: 'unavailable' });
});

it('evicts what was used least recently when the folder is full', async () => {
  const small = cache(2_500);
  await small.get(idOf(1), 1000);
  await small.get(idOf(2), 1000);
  // Used long ago, file 1 before file 2: within a millisecond the file system's clock and ours do not agree on an order.
  for (const fill of [1, 2]) await utimes(join(folder, `${idOf(fill)}.onnx`), fill, fill);
  await small.get(idOf(1), 1000);
  await small.get(idOf(3), 1000);
  expect((await readdir(folder)).sort()).toEqual([`${idOf(1)}.onnx`, `${idOf(3)}.onnx`].sort());
});

it('hands out verified bytes although its folder cannot be written, says so once with what to do, and caches again when that is mended', async () => {
  await rm(folder, { recursive: true });
  await writeFile(folder, 'a file in its place');
  const blocked = cache();
  for (const fill of [1, 2]) expect(sha256Hex(await blocked.get(idOf(fill), 1000))).toBe(idOf(fill));
  expect(lines).toMatchObject([{ level: 'warn', msg: expect.stringContaining('cannot be written'), cure: expect.stringContaining('Free space') }]);
  served.set(idOf(3), bytes(9));
  await expect(blocked.get(idOf(3), 1000)).rejects.toMatchObject({ code: 'artifact_hash_mismatch' });

  await rm(folder);
  await blocked.get(idOf(1), 1000);
  expect(await readdir(folder)).toEqual([`${idOf(1)}.onnx`]);
  expect(lines.slice(1)).toMatchObject([{ level: 'info' }]);
});

it('leaves no part of a file behind that could not be put in its place', async () => {
  await mkdir(join(folder, `${idOf(1)}.onnx`));
  expect(sha256Hex(await cache().get(idOf(1), 1000))).toBe(idOf(1));
  expect(await readdir(folder)).toEqual([`${idOf(1)}.onnx`]);
  expect(lines).toHaveLength(1);
});
