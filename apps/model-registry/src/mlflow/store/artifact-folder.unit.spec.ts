import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { ArtifactFolder } from './artifact-folder.js';

it('a registry that starts leaves alone what another one on the same folder is receiving, and clears away what a dead one was', async () => {
  const root = await mkdtemp(join(tmpdir(), 'throughline-mlflow-'));
  try {
    const first = await ArtifactFolder.create(root, Date.now());
    await writeFile(join(root, '.incoming/dead'), '');
    await utimes(join(root, '.incoming/dead'), 1, 1);
    const content = new PassThrough();
    const writing = first.put('0/run/artifacts/a.txt', content, 100);
    content.write('a');
    await expect.poll(() => readdir(join(root, '.incoming'))).toHaveLength(2);
    await ArtifactFolder.create(root, Date.now());
    content.end('b');
    await writing;
    expect((await first.read('0/run/artifacts/a.txt'))?.sizeBytes).toBe(2);
    expect(await readdir(join(root, '.incoming'))).toEqual([]);
  } finally {
    await rm(root, { recursive: true });
  }
});
