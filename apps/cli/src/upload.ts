import { openAsBlob } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { ask } from './http.js';

export interface VersionUpload {
  /** JSON; a rules document needs none. */
  readonly metadata: string | undefined;
  /** Path of each part that is a file. */
  readonly files: { readonly artifact: string; readonly reference?: string | undefined; readonly signature?: string | undefined };
}

/**
 * Uploads a version as a stream; nothing of the files is held in memory.
 *
 * @param url of the model's versions
 * @param onProgress what is being done, for a person
 * @returns the version, as the registry shows it
 */
export async function uploadVersion<V>(url: string, { metadata, files }: VersionUpload, onProgress: (doing: string) => void): Promise<V> {
  const form = new FormData();
  if (metadata !== undefined) form.set('metadata', metadata);
  const paths = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  for (const [part, path] of paths) form.set(part, await fileBlob(path), basename(path));
  // Only the encoded form knows its boundary, and only its stream shows how far it is.
  const encoded = new Response(form);
  const totalBytes = (await sizeOf(paths.map(([, path]) => path))) + Buffer.byteLength(metadata ?? '');
  const body = (encoded.body as ReadableStream<Uint8Array>).pipeThrough(countingBytes((sentBytes) => onProgress(sentBytes < totalBytes ? `uploading ${Math.floor((100 * sentBytes) / totalBytes)} %` : 'the registry is inspecting the model')));
  return ask<V>(url, { method: 'POST', headers: { 'content-type': encoded.headers.get('content-type') as string }, body, duplex: 'half' } as RequestInit);
}

function countingBytes(onSent: (bytes: number) => void): TransformStream<Uint8Array, Uint8Array> {
  let sentBytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      sentBytes += chunk.length;
      onSent(sentBytes);
      controller.enqueue(chunk);
    },
  });
}

const sizeOf = async (files: readonly string[]): Promise<number> => (await Promise.all(files.map((file) => stat(file)))).reduce((sum, { size }) => sum + size, 0);
const cannotRead = (file: string, error: unknown): ContractError => new ContractError('invalid_request', `cannot read ${file}: ${(error as Error).message}`, { cure: 'Check the path.' });

async function fileBlob(file: string): Promise<Blob> {
  try {
    if (!(await stat(file)).isFile()) throw new Error('it is no file');
    return await openAsBlob(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
}

/** @throws ContractError `invalid_request` for a file that cannot be read */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw cannotRead(file, error);
  }
}
