import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ContractError } from '@throughline/contracts';
import { attempt, readStandardInput } from './child-talk.js';
import type { FileRange } from './external-data.js';
import type { MergeAnswer } from './merge-in-child.js';
import { planMerge } from './merge-plan.js';

// The process that `mergeInChild` starts: a graph on standard input, the plan as a message back, then the one file on standard output.

const CHUNK_BYTES = 1024 * 1024;
const [folder, limitBytes] = process.argv.slice(2) as [string, string];
const handles = new Map<string, number>();

/** Opens a file beside the graph, and keeps it open: what is read later is what was measured. */
function sizeOf(file: string): number {
  const handle = open(file);
  const status = fstatSync(handle);
  if (status.isFile()) {
    handles.set(file, handle);
    return status.size;
  }
  closeSync(handle);
  throw new ContractError('not_found', 'that is no file');
}

function open(file: string): number {
  try {
    // A link could lead anywhere, and a pipe keep us waiting.
    return openSync(join(folder, file), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new ContractError('not_found', code === 'ENOENT' ? 'no such file was logged beside the graph' : 'that is no file', { cause });
  }
}

async function writeRange({ location, offset, length }: FileRange): Promise<void> {
  for (let done = 0; done < length;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, length - done));
    const count = readSync(handles.get(location)!, chunk, 0, chunk.length, offset + done);
    if (count === 0) throw new ContractError('artifact_external_data', `“${location}” became shorter while it was read`);
    await write(chunk.subarray(0, count));
    done += count;
  }
}

const write = (bytes: Uint8Array): Promise<void> => new Promise((resolve, reject) => process.stdout.write(bytes, (error) => (error ? reject(error) : resolve())));

async function merge(model: Uint8Array): Promise<MergeAnswer> {
  return attempt(async () => {
    const { parts, ...plan } = planMerge(model, sizeOf, Number(limitBytes));
    process.send!(plan);
    for (const part of parts) await (part instanceof Uint8Array ? write(part) : writeRange(part));
    return plan;
  });
}

const answer = await merge(await readStandardInput());
if ('code' in answer) process.send!(answer);
// Stay until the parent has read it all and kills: an exit could overtake the message. If the parent is gone, so are we.
process.channel!.ref();
