import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ContractError } from '@throughline/contracts';
import { bearer } from '@throughline/settings';

export interface ArtifactOptions {
  /** Folder of the cached files. */
  readonly folder: string;
  readonly registryUrl: string;
  /** With which the ledger names itself to the registry. */
  readonly serviceKey?: string | undefined;
  readonly timeoutMs: number;
  /** Files beyond it are evicted, the least recently used first; none larger is fetched. */
  readonly maxBytes: number;
}

/** Artifacts of versions that have answered, as files by their SHA-256; those that are not here come from the registry and are verified. */
export class Artifacts {
  private readonly underway = new Map<string, Promise<string>>();

  constructor(private readonly options: ArtifactOptions) {}

  /**
   * @param sha256 64 hexadecimal digits
   * @returns the file's path
   * @throws ContractError `unavailable` when the registry cannot be reached, `not_found` when it has no such artifact, `artifact_hash_mismatch`
   *   when its bytes are not the promised ones, `artifact_too_large`
   */
  get(sha256: string): Promise<string> {
    const known = this.underway.get(sha256);
    if (known !== undefined) return known;
    const path = this.cached(sha256).finally(() => this.underway.delete(sha256));
    this.underway.set(sha256, path);
    return path;
  }

  private async cached(sha256: string): Promise<string> {
    const path = join(this.options.folder, sha256);
    const now = new Date();
    const isHere = await utimes(path, now, now).then(() => true, () => false);
    if (isHere) return path;
    await this.download(sha256, path);
    await this.evict(sha256);
    return path;
  }

  private async download(sha256: string, path: string): Promise<void> {
    const body = await this.request(sha256);
    const temporary = `${path}.${randomUUID()}.part`;
    const hash = createHash('sha256');
    try {
      await mkdir(this.options.folder, { recursive: true });
      await pipeline(body, hashing(hash, this.options.maxBytes), createWriteStream(temporary));
      if (hash.digest('hex') !== sha256) throw new ContractError('artifact_hash_mismatch', `the registry’s bytes are not artifact ${sha256}`);
      await rename(temporary, path);
    } catch (cause) {
      await rm(temporary, { force: true });
      if (cause instanceof ContractError) throw cause;
      throw new ContractError('unavailable', `artifact ${sha256} cannot be fetched: ${(cause as Error).message}`, { cause });
    }
  }

  private async request(sha256: string): Promise<Readable> {
    const { registryUrl, serviceKey, timeoutMs } = this.options;
    let response: Response;
    try {
      response = await fetch(`${registryUrl}/registry/v1/artifacts/${sha256}`, { headers: bearer(serviceKey), signal: AbortSignal.timeout(timeoutMs) });
    } catch (cause) {
      throw new ContractError('unavailable', `the registry does not answer: ${(cause as Error).message}`, { cause });
    }
    if (response.ok && response.body !== null) return Readable.fromWeb(response.body as never);
    await response.body?.cancel();
    if (response.status === 404) throw new ContractError('not_found', `the registry has no artifact ${sha256}`);
    throw new ContractError('unavailable', `the registry answered ${response.status} for artifact ${sha256}`);
  }

  private async evict(keep: string): Promise<void> {
    const { folder, maxBytes } = this.options;
    // Half a file of a process that was killed counts as well, and goes when its turn comes.
    const files = await Promise.all((await readdir(folder)).map(async (name) => ({ name, found: await stat(join(folder, name)).catch(() => undefined) })));
    const known = files.flatMap(({ name, found }) => (found === undefined ? [] : [{ name, sizeBytes: found.size, usedAtMs: found.mtimeMs }]));
    let totalBytes = known.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { name, sizeBytes } of known.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (totalBytes <= maxBytes) return;
      if (name === keep) continue;
      await rm(join(folder, name), { force: true });
      totalBytes -= sizeBytes;
    }
  }
}

/** Passes chunks on while it hashes them; ends when there are too many. */
function hashing(hash: ReturnType<typeof createHash>, maxBytes: number): Transform {
  let received = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      if (received > maxBytes) return done(new ContractError('artifact_too_large', `the artifact has more than ${maxBytes} bytes`));
      hash.update(chunk);
      done(null, chunk);
    },
  });
}
