import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const SHA256 = /^[0-9a-f]{64}$/;
/** Uploads still under way after this long are dead: their request has timed out long ago. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/**
 * Artifacts on disk, each under the SHA-256 of its bytes. What has such a name is complete: files are written elsewhere,
 * synced, and renamed last.
 */
export class ArtifactFiles {
  private constructor(private readonly root: string) {}

  /** Opens the folder, made if need be, and removes what dead uploads have left. */
  static async open(root: string, nowMs: number): Promise<ArtifactFiles> {
    const files = new ArtifactFiles(root);
    await mkdir(files.incoming, { recursive: true });
    await files.removeAbandoned(nowMs);
    return files;
  }

  /** Where uploads are received: on the same file system, so that a rename is atomic. */
  get incoming(): string {
    return join(this.root, 'incoming');
  }

  /** Makes a received file, already synced, the artifact of this hash. Twice is once. */
  async keep(path: string, sha256: string): Promise<void> {
    const folder = join(this.root, sha256.slice(0, 2));
    await mkdir(folder, { recursive: true });
    await rename(path, this.path(sha256));
    await syncFolder(folder);
  }

  /** The bytes, or `undefined` when there is no such artifact. */
  async read(sha256: string): Promise<{ stream: ReadStream; sizeBytes: number } | undefined> {
    if (!SHA256.test(sha256)) return undefined;
    const found = await stat(this.path(sha256)).catch(() => undefined);
    return found?.isFile() === true ? { stream: createReadStream(this.path(sha256)), sizeBytes: found.size } : undefined;
  }

  private path(sha256: string): string {
    return join(this.root, sha256.slice(0, 2), `${sha256}.onnx`);
  }

  private async removeAbandoned(nowMs: number): Promise<void> {
    for (const name of await readdir(this.incoming)) {
      const path = join(this.incoming, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && nowMs - found.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true });
    }
  }
}

/** A rename is durable once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
