import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_TALLY, type RowAnswer } from '../domain/score/answers.js';
import { JobFolder, type Mark } from './job-folder.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'throughline-job-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const mark: Mark = { row: 0, ends: {} };
const line = (n: number): string => JSON.stringify({ predictionId: String(n), outputs: { é: [n] }, version: '1' });
const open = (): JobFolder => JobFolder.open(join(base, 'out.csv.score'), { restart: false });
async function read(folder: JobFolder): Promise<(string | undefined)[]> {
  const found: RowAnswer[] = [];
  for await (const some of folder.answers()) found.push(...some);
  return found.map(({ predictionId }) => predictionId);
}

describe('the folder of a job', () => {
  it('forgets what was written after the last checkpoint, and goes on right behind it', async () => {
    const folder = open();
    folder.openSpool(undefined);
    for (let n = 0; n < 3; n += 1) folder.append(line(n));
    folder.saveCheckpoint(3, NO_TALLY, mark);
    // More than is held back: it reaches the file, as before a kill -9.
    for (let n = 3; n < 20_000; n += 1) folder.append(line(n));
    folder.close();
    const again = open();
    expect(again.checkpoint).toMatchObject({ released: 3 });
    again.openSpool(again.checkpoint);
    again.append(line(3));
    again.saveCheckpoint(4, NO_TALLY, mark);
    expect(await read(again)).toEqual(['0', '1', '2', '3']);
    again.remove();
    expect(existsSync(again.path)).toBe(false);
  });

  it('belongs to one process at a time; one that was killed has left it', () => {
    const lock = join(base, 'out.csv.score', 'lock');
    open().close();
    writeFileSync(lock, String(process.ppid));
    expect(open).toThrow(expect.objectContaining({ code: 'conflict', message: expect.stringContaining(`process ${process.ppid} is at work`) }));
    writeFileSync(lock, '999999999');
    expect(open).not.toThrow();
  });

  it('starts anew when told, and says so when what it holds cannot be read', () => {
    const folder = open();
    writeFileSync(join(folder.path, 'job.json'), '{');
    expect(() => folder.job).toThrow(expect.objectContaining({ code: 'conflict', cure: expect.stringContaining('--restart') }));
    folder.close();
    expect(JobFolder.open(folder.path, { restart: true }).job).toBeUndefined();
  });
});
