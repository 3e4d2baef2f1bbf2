import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { bearer } from '@throughline/settings';
import type { Logger } from '@throughline/telemetry';

export interface ArtifactCacheOptions {
  /** Folder of the cached files; may be shared by the workers of one machine. */
  readonly folder: string;
  readonly registryUrl: string;
  /** With which the worker names itself to the registry. */
  readonly serviceKey?: string | undefined;
  readonly timeoutMs: number;
  /** Files beyond it are evicted, the least recently used first. */
  readonly maxBytes: number;
  readonly logger: Logger;
}

/** Hashing this much takes less than a millisecond; between two chunks requests have their turn. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Model artifacts by their SHA-256: from the folder, else from the registry. What is handed out has been verified either way, and lies in
 * shared memory: a thread that loads it needs no copy.
 */
export class ArtifactCache {
  /** By SHA-256: two models may want the same artifact at the same time. */
  private readonly underway = new Map<string, Promise<Uint8Array>>();
  private isUnwritable = false;

  constructor(private readonly options: ArtifactCacheOptions) {}

  /**
   * @throws ContractError `unavailable` when the registry cannot be reached, `not_found` when it has no such artifact,
   *   `artifact_hash_mismatch` when its bytes are not the promised ones.
   */
  async get(sha256: string, sizeBytes: number): Promise<Uint8Array> {
    const known = this.underway.get(sha256);
    if (known !== undefined) return known;
    const fetched = this.fetched(sha256, sizeBytes).finally(() => this.underway.delete(sha256));
    this.underway.set(sha256, fetched);
    return fetched;
  }

  private async fetched(sha256: string, sizeBytes: number): Promise<Uint8Array> {
    const cached = await this.read(sha256);
    if (cached !== undefined) return cached;
    const bytes = await this.download(sha256, sizeBytes);
    await this.keep(sha256, bytes);
    return bytes;
  }

  /** Never rejects: a folder that takes nothing is no reason to refuse a model whose verified bytes are at hand. */
  private async keep(sha256: string, bytes: Uint8Array): Promise<void> {
    const { folder, logger } = this.options;
    try {
      await this.write(sha256, bytes);
      if (this.isUnwritable) logger.info({ folder }, 'artifacts are cached again');
      this.isUnwritable = false;
    } catch (thrown) {
      const advice = { reason: reasonOf(thrown), cure: 'Free space on its disk, or let the worker write there.' };
      // Once until it is mended, not once an artifact.
      if (!this.isUnwritable) logger.warn({ folder, ...advice }, 'the artifact cache cannot be written: models serve from memory, and none comes back without the registry');
      this.isUnwritable = true;
    }
  }

  private async read(sha256: string): Promise<Uint8Array | undefined> {
    const path = this.pathOf(sha256);
    const found = await readHashed(path).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found.sha256 !== sha256) {
      await rm(path, { force: true }).catch(() => undefined);
      return undefined;
    }
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    return found.bytes;
  }

  private async download(sha256: string, sizeBytes: number): Promise<Uint8Array> {
    const url = `${this.options.registryUrl}/registry/v1/artifacts/${sha256}`;
    try {
      const response = await fetch(url, { headers: bearer(this.options.serviceKey), signal: AbortSignal.timeout(this.options.timeoutMs) });
      if (response.status === 404) throw new ContractError('not_found', `the registry has no artifact ${sha256}`);
      if (!response.ok || response.body === null) throw new ContractError('unavailable', `the registry answered ${response.status} for artifact ${sha256}`);
      const received = await receiveHashed(response.body, sizeBytes);
      if (received?.sha256 !== sha256) throw new ContractError('artifact_hash_mismatch', `the registry’s bytes are not artifact ${sha256}`);
      return received.bytes;
    } catch (cause) {
      if (cause instanceof ContractError) throw cause;
      throw new ContractError('unavailable', `the registry does not answer: ${reasonOf(cause)}`, { cause });
    }
  }

  private async write(sha256: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.options.folder, { recursive: true });
    const temporary = join(this.options.folder, `${sha256}.${process.pid}.part`);
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, this.pathOf(sha256));
    } catch (thrown) {
      // Half a file would fill the disk further, and eviction does not see it.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw thrown;
    }
    await this.evict(sha256);
  }

  private async evict(keep: string): Promise<void> {
    const names = (await readdir(this.options.folder)).filter((name) => name.endsWith('.onnx'));
    const files = await Promise.all(names.map(async (name) => ({ name, ...(await sizeAndTime(join(this.options.folder, name))) })));
    let totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { name, sizeBytes } of files.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (totalBytes <= this.options.maxBytes) return;
      if (name === `${keep}.onnx`) continue;
      await rm(join(this.options.folder, name), { force: true });
      totalBytes -= sizeBytes;
    }
  }

  private pathOf(sha256: string): string {
    return join(this.options.folder, `${sha256}.onnx`);
  }
}

interface Hashed {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

async function readHashed(path: string): Promise<Hashed> {
  const file = await open(path);
  try {
    return await readChunks(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function readChunks(file: FileHandle, sizeBytes: number): Promise<Hashed> {
  const bytes = new Uint8Array(new SharedArrayBuffer(sizeBytes));
  const hash = createHash('sha256');
  for (let at = 0; at < sizeBytes; ) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, at);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The whole body; `undefined` as soon as it is not as long as promised. */
async function receiveHashed(body: ReadableStream<Uint8Array>, sizeBytes: number): Promise<Hashed | undefined> {
  const bytes = new Uint8Array(new SharedArrayBuffer(sizeBytes));
  const hash = createHash('sha256');
  let received = 0;
  for await (const chunk of body) {
    if (received + chunk.byteLength > sizeBytes) return undefined;
    bytes.set(chunk, received);
    hash.update(chunk);
    received += chunk.byteLength;
  }
  return received === sizeBytes ? { bytes, sha256: hash.digest('hex') } : undefined;
}

/** A file that another worker has just evicted counts as empty. */
async function sizeAndTime(path: string): Promise<{ sizeBytes: number; usedAtMs: number }> {
  const found = await stat(path).catch(() => undefined);
  return { sizeBytes: found?.size ?? 0, usedAtMs: found?.mtimeMs ?? 0 };
}

/** `fetch` hides what went wrong in its cause. */
function reasonOf(thrown: unknown): string {
  const { message, cause } = thrown as Error;
  return cause instanceof Error && cause.message !== '' ? `${message} (${cause.message})` : message;
}
