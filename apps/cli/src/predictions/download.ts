import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { ContractError } from '@throughline/contracts';
import { reach } from '../http.js';
import { Progress } from '../terminal.js';

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
    throw new ContractError('unavailable', `${path} was not written: ${(error as Error).message}`, { cause: error, cure: 'Ask for less at once (--model, --from, --to, --limit), and see the ledger’s log.' });
  } finally {
    progress.end();
  }
}
