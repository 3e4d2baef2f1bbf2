import { constants, createReadStream } from 'node:fs';
import { access, mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { ArtifactFiles, openIncoming, type StoredArtifact } from './artifacts.js';

/** Artifacts in a folder: files are written elsewhere on the same file system, synced, and renamed last. */
export class DiskArtifacts extends ArtifactFiles {
  private constructor(private readonly root: string, incoming: string) {
    super(incoming);
  }

  static async open(root: string, nowMs: number): Promise<DiskArtifacts> {
    return new DiskArtifacts(root, await openIncoming(join(root, 'incoming'), nowMs));
  }

  async keep(path: string, sha256: string): Promise<void> {
    const folder = join(this.root, sha256.slice(0, 2));
    await mkdir(folder, { recursive: true });
    await rename(path, this.path(sha256));
    await syncFolder(folder);
  }

  async ping(): Promise<void> {
    try {
      await access(this.incoming, constants.W_OK);
    } catch (cause) {
      throw new ContractError('unavailable', `the artifacts’ folder ${this.root} cannot be written`, { cause });
    }
  }

  protected async open(sha256: string): Promise<StoredArtifact | undefined> {
    const found = await stat(this.path(sha256)).catch(() => undefined);
    return found?.isFile() === true ? { stream: createReadStream(this.path(sha256)), sizeBytes: found.size } : undefined;
  }

  private path(sha256: string): string {
    return join(this.root, sha256.slice(0, 2), `${sha256}.onnx`);
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
