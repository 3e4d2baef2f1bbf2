import { randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { ContractError } from '@throughline/contracts';
import { openIncoming } from '../../store/artifacts.js';
import { pathSteps } from '../domain/paths.js';

export interface ArtifactFile {
  /** Name within its folder. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly sizeBytes?: number;
}

const INCOMING = '.incoming';
/** More than any model has; a listing is built in memory. */
const MAX_LINKED_FILES = 2000;

/**
 * Files of runs and logged models on disk. A file is written elsewhere and renamed, so that one that is replaced goes on as it was wherever
 * a version holds it by a hard link.
 */
export class ArtifactFolder {
  private constructor(private readonly root: string) {}

  static async create(root: string, nowMs: number): Promise<ArtifactFolder> {
    // What a dead process was receiving; not what another registry on the same folder is receiving now.
    await openIncoming(join(root, INCOMING), nowMs);
    return new ArtifactFolder(root);
  }

  /** @throws ContractError `invalid_request`, `artifact_too_large`; nothing of the file is left then */
  async put(path: string, content: Readable, limitBytes: number): Promise<void> {
    const target = this.resolve(path);
    const incoming = join(this.root, INCOMING, randomUUID());
    try {
      await receive(content, incoming, limitBytes);
      await mkdir(dirname(target), { recursive: true });
      await rename(incoming, target);
    } catch (error) {
      await rm(incoming, { force: true });
      throw misplaced(error, path);
    }
  }

  /** The file, or `undefined` where there is none. @throws ContractError `invalid_request` */
  async read(path: string): Promise<{ stream: ReadStream; sizeBytes: number } | undefined> {
    const found = await this.locate(path);
    return found === undefined ? undefined : { stream: createReadStream(found.path), sizeBytes: found.sizeBytes };
  }

  /** Where the file lies on disk. @throws ContractError `invalid_request` */
  async locate(path: string): Promise<{ path: string; sizeBytes: number } | undefined> {
    const target = this.resolve(path);
    const found = await stat(target).catch(() => undefined);
    return found?.isFile() === true ? { path: target, sizeBytes: found.size } : undefined;
  }

  /** What lies directly in a folder, by name; a file is listed as itself; nothing where there is nothing. @throws ContractError `invalid_request` */
  async list(path: string): Promise<ArtifactFile[]> {
    const steps = pathSteps(path);
    const target = this.resolve(path);
    const found = await stat(target).catch(() => undefined);
    if (found?.isFile() === true) return [{ path: steps.at(-1)!, isFolder: false, sizeBytes: found.size }];
    if (found === undefined) return [];
    const names = (await readdir(target)).filter((name) => steps.length > 0 || name !== INCOMING).sort();
    const files = await Promise.all(names.map(async (name): Promise<ArtifactFile | undefined> => {
      const one = await stat(join(target, name)).catch(() => undefined);
      return one === undefined ? undefined : { path: name, isFolder: one.isDirectory(), ...(one.isFile() ? { sizeBytes: one.size } : {}) };
    }));
    return files.filter((file) => file !== undefined);
  }

  /** @returns whether there was something @throws ContractError `invalid_request` */
  async remove(path: string): Promise<boolean> {
    if (pathSteps(path).length === 0) throw new ContractError('invalid_request', 'the root of the artifacts cannot be deleted', { cure: 'Name a file or folder.' });
    const target = this.resolve(path);
    const exists = (await stat(target).catch(() => undefined)) !== undefined;
    await rm(target, { recursive: true, force: true });
    return exists;
  }

  /** Makes the files of one folder those of another as well, whatever becomes of the first; `leaveOut` are paths within it. */
  async copyFolder(from: string, to: string, leaveOut: ReadonlySet<string>): Promise<void> {
    const files = (await this.walk(from)).filter((file) => !leaveOut.has(file));
    for (const file of files) {
      const target = this.resolve(`${to}/${file}`);
      await mkdir(dirname(target), { recursive: true });
      await rm(target, { force: true });
      await link(this.resolve(`${from}/${file}`), target);
    }
  }

  /** Paths of all files below a folder, relative to it. @throws ContractError `invalid_request` when they are too many */
  async walk(folder: string): Promise<string[]> {
    const entries = await readdir(this.resolve(folder), { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(this.resolve(folder).length + 1));
    if (files.length > MAX_LINKED_FILES) throw new ContractError('invalid_request', `the model has ${files.length} files, more than ${MAX_LINKED_FILES}`, { cure: 'Log the model without its data.' });
    return files.sort();
  }

  private resolve(path: string): string {
    const steps = pathSteps(path);
    if (steps[0] === INCOMING) throw new ContractError('invalid_request', `Invalid path: “${path.slice(0, 100)}”`, { cure: 'Choose another name.' });
    return join(this.root, ...steps);
  }
}

async function receive(content: Readable, path: string, limitBytes: number): Promise<void> {
  const handle = await open(path, 'wx');
  let sizeBytes = 0;
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) throw new ContractError('artifact_too_large', `the file has more than ${limitBytes} bytes`);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file where a folder is wanted, or the other way round. */
function misplaced(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (!['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'ENAMETOOLONG'].includes(code)) return error;
  return new ContractError('invalid_request', `“${path.slice(0, 100)}” cannot be written: a part of it is a file, or it is a folder`, { cure: 'Choose another path.' });
}
