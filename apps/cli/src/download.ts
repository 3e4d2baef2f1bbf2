import { createWriteStream } from 'node:fs';
import { access, constants, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { ContractError } from '@throughline/contracts';
import { reach } from './http.js';
import { Progress } from './terminal.js';

const MEGABYTE = 1024 * 1024;

/**
 * Saves an answer as a file, which is there whole or not at all; its size in bytes.
 *
 * @throws ContractError with the service's problem; `unavailable` when the answer breaks off
 */
export async function download(url: string, init: RequestInit, path: string): Promise<number> {
  const answer = await reach(url, init);
  const partial = `${path}.partial`;
  const progress = new Progress();
  let sizeBytes = 0;
  try {
    await pipeline(answer.body as ReadableStream<Uint8Array>, async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        sizeBytes += chunk.length;
        progress.update(`${(sizeBytes / MEGABYTE).toFixed(1)} MB of ${path}`);
        yield chunk;
      }
    }, createWriteStream(partial));
    await rename(partial, path);
    return sizeBytes;
  } catch (error) {
    await rm(partial, { force: true });
    if (isOfFile(error as NodeJS.ErrnoException)) throw cannotWrite(path, error as Error);
    throw new ContractError('unavailable', `${path} was not written: ${(error as Error).message}`, { cause: error, cure: 'Ask again, for a shorter period or with a lower --limit, and see the ledger’s log.' });
  } finally {
    progress.end();
  }
}

const isOfFile = ({ path, code }: NodeJS.ErrnoException): boolean => path !== undefined || code === 'ENOSPC';

/** What to say of a file that this machine does not let be written. */
const cannotWrite = (path: string, cause: Error): ContractError =>
  new ContractError('invalid_request', `cannot write ${path}: ${cause.message}`, { cause, cure: 'Name a file in a folder that is there, that you may write to, and that has room.' });

/** Tries the place of a file before anybody computes for it. @throws ContractError `invalid_request` */
export async function checkWritable(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() === true) throw cannotWrite(path, new Error('it is a folder'));
  await access(dirname(path), constants.W_OK).catch((error: Error) => {
    throw cannotWrite(path, error);
  });
}
