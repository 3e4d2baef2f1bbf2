import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }[];
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  readonly share: number;
}

export interface ProfileSummary {
  /** By package, library or folder of the worker; shares of the time that was not idle. */
  readonly parts: readonly SelfTime[];
  readonly functions: readonly SelfTime[];
}

/**
 * Reads the profile that `node --cpu-prof` left in a folder, and sums the time that each place spent itself.
 *
 * @param skippedMs of the beginning, in which the process only got ready
 */
export function summariseProfile(folder: string, skippedMs: number): ProfileSummary {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error(`no profile was written to ${folder}`);
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  let busyMicros = 0;
  let elapsedMicros = 0;
  samples.forEach((id, at) => {
    const { functionName, url } = byId.get(id)!;
    const micros = timeDeltas[at]!;
    elapsedMicros += micros;
    if (functionName === '(idle)' || elapsedMicros < skippedMs * 1000) return;
    busyMicros += micros;
    const part = partOf(functionName, url);
    parts.set(part, (parts.get(part) ?? 0) + micros);
    const name = url === '' ? functionName || '(native code)' : `${functionName || '(anonymous)'} in ${placeOf(url)}`;
    functions.set(name, (functions.get(name) ?? 0) + micros);
  });
  const sorted = (times: ReadonlyMap<string, number>): SelfTime[] => [...times].map(([name, micros]) => ({ name, share: micros / busyMicros })).toSorted((a, b) => b.share - a.share);
  return { parts: sorted(parts), functions: sorted(functions) };
}

function partOf(functionName: string, url: string): string {
  if (url === '') return functionName === '(garbage collector)' ? 'garbage collection' : 'the runtime itself (system calls, compilation, native code)';
  if (url.startsWith('node:')) return 'Node’s own modules (sockets, buffers, HTTP)';
  const installed = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (installed !== undefined) return installed;
  const own = /\/(libs\/[^/]+|apps\/[^/]+)\/dist\/([^/]+)/.exec(url);
  if (own === null) return 'other';
  return own[1]!.startsWith('apps/') ? `${own[1]} ${own[2]}` : own[1]!;
}

const placeOf = (url: string): string => /(?:node_modules|libs|apps)\/(.*)$/.exec(url)?.[1]?.replace('/dist/', '/') ?? url;
