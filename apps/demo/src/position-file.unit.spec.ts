import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PositionFile } from './position-file.js';

const home = () => mkdtemp(join(tmpdir(), 'throughline-demo-'));

describe('PositionFile', () => {
  it('finds the position again, also in a folder that was not there', async () => {
    const folder = join(await home(), 'new');
    await new PositionFile(folder).write('a', 981_000_000_123);
    expect(await new PositionFile(folder).read('a')).toBe(981_000_000_123);
  });

  it('has none for another installation, nor before the first run, nor from a damaged file', async () => {
    const folder = await home();
    const file = new PositionFile(folder);
    expect(await file.read('a')).toBeUndefined();
    await file.write('a', 1);
    expect(await file.read('b')).toBeUndefined();
    await writeFile(join(folder, 'demo.json'), '{"installation":"a","repl');
    expect(await file.read('a')).toBeUndefined();
  });
});
