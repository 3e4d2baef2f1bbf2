import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ContractError } from '@throughline/contracts';

const SHA256 = /^[0-9a-f]{64}$/;
/** Uploads still under way after this long are dead: their request has timed out long ago. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

export interface StoredArtifact {
  readonly stream: Readable;
  readonly sizeBytes: number;
}

/** Artifacts, each under the SHA-256 of its bytes, wherever they are kept. What has such a name is complete. */
export abstract class ArtifactFiles {
  /** @param incoming folder where uploads are received, whichever store keeps them */
  protected constructor(readonly incoming: string) {}

  /**
   * Makes a received file, already synced and hashed, the artifact of this hash; the file is gone then. Twice is once, and mends what was damaged.
   *
   * @throws ContractError `unavailable`
   */
  abstract keep(path: string, sha256: string): Promise<void>;

  /** Resolves if artifacts can be kept and read. @throws ContractError `unavailable` */
  abstract ping(): Promise<void>;

  /**
   * The bytes, or `undefined` when there is no such artifact.
   *
   * @param expectedBytes as it was when it was kept
   * @throws ContractError `artifact_hash_mismatch` when it has another length, `unavailable`
   */
  async read(sha256: string, expectedBytes?: number): Promise<StoredArtifact | undefined> {
    const found = SHA256.test(sha256) ? await this.open(sha256) : undefined;
    if (found === undefined || expectedBytes === undefined || found.sizeBytes === expectedBytes) return found;
    found.stream.destroy();
    throw new ContractError('artifact_hash_mismatch', `artifact ${sha256} has ${found.sizeBytes} bytes where it is kept, ${expectedBytes} were registered`);
  }

  protected abstract open(sha256: string): Promise<StoredArtifact | undefined>;
}

/** Makes the folder of uploads under way, if need be, and removes what dead ones have left. */
export async function openIncoming(folder: string, nowMs: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && nowMs - found.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true });
  }
  return folder;
}
