import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, graph, Installation } from '../testing/harness.js';
import { findGateway, startGateway, type S3Gateway } from '../testing/s3-gateway.js';
import type { ArtifactFiles } from './artifacts.js';
import { DiskArtifacts } from './disk-artifacts.js';
import { S3Artifacts } from './s3-artifacts.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const DAY_MS = 24 * 3600 * 1000;
const program = await findGateway();
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

interface Store {
  readonly artifacts: ArtifactFiles;
  damage(hash: string, bytes: string): Promise<void>;
  close(): Promise<void>;
}

async function onDisk(): Promise<Store> {
  const root = await mkdtemp(join(tmpdir(), 'throughline-artifacts-'));
  return {
    artifacts: await DiskArtifacts.open(root, Date.now()),
    damage: (hash, bytes) => writeFile(join(root, hash.slice(0, 2), `${hash}.onnx`), bytes),
    close: () => rm(root, { recursive: true, force: true }),
  };
}

const s3Options = ({ endpoint, bucket }: S3Gateway) => ({ endpoint, bucket, region: 'us-east-1', prefix: 'artifacts/', isPathStyle: true });

async function inBucket(): Promise<Store> {
  const gateway = await startGateway(program!);
  const incoming = await mkdtemp(join(tmpdir(), 'throughline-incoming-'));
  return {
    artifacts: await S3Artifacts.open(incoming, s3Options(gateway), Date.now()),
    damage: (hash, bytes) => gateway.damage(`artifacts/${hash}`, bytes),
    close: async () => {
      await gateway.stop();
      await rm(incoming, { recursive: true, force: true });
    },
  };
}

describe.each([['on disk', onDisk, true], ['in an S3-compatible store', inBucket, program !== undefined]] as const)('artifacts %s', (name, open, isHere) => {
  describe.runIf(isHere)(name, () => {
    let store: Store;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    async function keep(bytes: Uint8Array | string, hash = sha256(bytes)): Promise<string> {
      const path = join(store.artifacts.incoming, randomUUID());
      await writeFile(path, bytes);
      await store.artifacts.keep(path, hash);
      return hash;
    }

    it('come back as they were kept, with their length, and what was received is gone', async () => {
      const bytes = Buffer.alloc(3_000_000, 'throughline');
      const found = (await store.artifacts.read(await keep(bytes), bytes.length))!;
      expect(found.sizeBytes).toBe(bytes.length);
      expect(sha256(await buffer(found.stream))).toBe(sha256(bytes));
      expect(await readdir(store.artifacts.incoming)).toEqual([]);
    });

    it('kept twice are kept once, and that mends what was damaged', async () => {
      const hash = await keep('whole');
      await store.damage(hash, 'half');
      await keep('whole');
      expect((await buffer((await store.artifacts.read(hash, 5))!.stream)).toString()).toBe('whole');
    });

    it('of another length than was registered are refused', async () => {
      const hash = await keep('as registered');
      await store.damage(hash, 'cut');
      await expect(store.artifacts.read(hash, 13)).rejects.toMatchObject({ code: 'artifact_hash_mismatch', cure: expect.stringContaining('Upload it again') });
    });

    it.each([['0'.repeat(64)], ['../../etc/passwd'], ['ABC'], ['']])('named %j are not there', async (hash) =>
      expect(await store.artifacts.read(hash)).toBeUndefined());

    it('can be asked whether they are within reach', () => expect(store.artifacts.ping()).resolves.toBeUndefined());
  });
});

describe('uploads under way', () => {
  it('that died long ago are removed at the start, later ones stay', async () => {
    const root = await mkdtemp(join(tmpdir(), 'throughline-artifacts-'));
    const { incoming } = await DiskArtifacts.open(root, Date.now());
    await Promise.all(['old', 'new'].map((name) => writeFile(join(incoming, name), 'x')));
    await utimes(join(incoming, 'old'), new Date(Date.now() - 2 * DAY_MS), new Date(Date.now() - 2 * DAY_MS));
    await DiskArtifacts.open(root, Date.now());
    expect(await readdir(incoming)).toEqual(['new']);
    await rm(root, { recursive: true });
  });
});

describe.runIf(program !== undefined)('a bucket', () => {
  let gateway: S3Gateway;
  beforeAll(async () => {
    gateway = await startGateway(program!);
  });
  afterAll(() => gateway.stop());

  it('never takes bytes for a hash that is not theirs', async () => {
    const incoming = await mkdtemp(join(tmpdir(), 'throughline-incoming-'));
    const artifacts = await S3Artifacts.open(incoming, s3Options(gateway), Date.now());
    await writeFile(join(incoming, 'x'), 'other bytes');
    await expect(artifacts.keep(join(incoming, 'x'), sha256('bytes'))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await gateway.keys()).toEqual([]);
    await rm(incoming, { recursive: true });
  });

  it('that is not there or not reachable is named', async () => {
    const incoming = await mkdtemp(join(tmpdir(), 'throughline-incoming-'));
    const nowhere = await S3Artifacts.open(incoming, { ...s3Options(gateway), bucket: 'nowhere' }, Date.now());
    const unreachable = await S3Artifacts.open(incoming, { ...s3Options(gateway), endpoint: 'http://127.0.0.1:9' }, Date.now());
    for (const artifacts of [nowhere, unreachable]) {
      await expect(artifacts.ping()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('bucket'), cure: expect.stringContaining('REGISTRY_S3_BUCKET') });
    }
    await rm(incoming, { recursive: true });
  });

  describe('as a registry’s', () => {
    let installation: Installation;
    let service: RunningService;
    beforeAll(async () => {
      installation = await Installation.create({ REGISTRY_ARTIFACT_STORE: 's3', REGISTRY_S3_BUCKET: gateway.bucket, REGISTRY_S3_ENDPOINT: gateway.endpoint });
      service = await installation.start();
    });
    afterAll(async () => {
      await service.close();
      await installation.remove();
    });

    it('holds the upload, gives it back by its hash, and is part of being ready', async () => {
      const bytes = graph(61);
      const { status, body } = await new Client(service.url).upload('bucketed', { artifact: bytes });
      expect([status, body.artifactSha256]).toEqual([201, sha256(bytes)]);
      expect(await gateway.keys()).toEqual([`artifacts/${sha256(bytes)}`]);
      const response = await fetch(`${service.url}/registry/v1/artifacts/${body.artifactSha256}`);
      expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(sha256(bytes));
      expect(await (await fetch(`${service.url}/health/ready`)).json()).toMatchObject({ checks: { artifacts: { status: 'up' } } });
    });
  });
});
