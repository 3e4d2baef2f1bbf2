import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ModelSignature } from '@throughline/contracts';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freezeBaseline } from './freeze-baseline.js';

const SIGNATURE: ModelSignature = { inputs: [], outputs: [], features: [{ name: 'carrier', kind: 'categorical' }], task: 'other' };
let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'throughline-baseline-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A row of so many equal letters takes a thousandth of them in the file. */
async function write(name: string, length: number): Promise<string> {
  const path = join(folder, name);
  const columnData = [{ name: 'carrier', data: ['a'.repeat(length), 'b'], type: 'STRING' as const }, { name: 'score', data: [1, 0], type: 'FLOAT' as const }];
  await writeFile(path, new Uint8Array(parquetWriteBuffer({ codec: 'GZIP', compressors: { GZIP: (bytes) => gzipSync(bytes) }, columnData })));
  return path;
}

it('freezes a reference wherever it lies', async () => {
  expect(await freezeBaseline(await write('small', 3), SIGNATURE)).toMatchObject({ features: expect.anything() });
});

it('a file that grows a thousandfold fills the memory of another process, not of this one', { timeout: 60_000 }, async () => {
  const path = await write('bomb', 120_000_000);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let highest = before;
  const watch = setInterval(() => { highest = Math.max(highest, process.memoryUsage.rss()); }, 5);
  await expect(freezeBaseline(path, SIGNATURE)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/^reference: /) });
  clearInterval(watch);
  expect(highest - before).toBeLessThan(100 * 1024 ** 2);
});
