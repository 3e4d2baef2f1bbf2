import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'csv-stringify/sync';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InputRow } from '../../domain/score/rows.js';
import { openCsv } from './csv.js';
import { openJsonLines } from './jsonl.js';
import { openParquet } from './parquet.js';
import type { RowSource } from './source.js';
import { linesOf, type Line } from './text.js';
import { checkIds } from './unique.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-input-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const ignore = (): void => undefined;
async function rowsOf(source: RowSource): Promise<InputRow[]> {
  const rows: InputRow[] = [];
  for await (const block of source.rows(new Set(source.columns.map(({ name }) => name)))) rows.push(...block);
  expect(rows).toHaveLength(source.rowCount);
  return rows;
}
const cellsOf = async (source: RowSource): Promise<unknown[]> => (await rowsOf(source)).map(({ cells }) => cells);

describe('lines', () => {
  const pieces = async function* (parts: readonly string[]): AsyncGenerator<string> {
    yield* parts;
  };
  const all = async (parts: readonly string[], max = 1000): Promise<Line[]> => {
    const lines: Line[] = [];
    for await (const some of linesOf(pieces(parts), max)) lines.push(...some);
    return lines;
  };

  it('are the same however the text is cut into pieces', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.stringMatching(/^[a-z\r\n]{0,8}$/)), async (parts) => {
      const text = parts.join('');
      const expected = text.split('\n').map((line) => line.replace(/\r$/, ''));
      if (text === '' || text.endsWith('\n')) expected.pop();
      expect((await all(parts)).map((line) => line.text)).toEqual(expected);
    }));
  });

  it('are cut at the limit, whoever never ends one', async () => {
    expect(await all(['ab', 'cdef', 'ghi\nxy\n', 'z'], 5)).toEqual([{ number: 1, text: 'abcde', isTooLong: true }, { number: 2, text: 'xy', isTooLong: false }, { number: 3, text: 'z', isTooLong: false }]);
  });
});

describe('CSV', () => {
  it('gives back every cell that was written, quotes, commas, line ends and all', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é', '𝄞', '1') });
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1 }), async (rows) => {
      // A record of nothing but two empty cells is a comma, which is no empty line.
      const source = await openCsv(file('any.csv', stringify([['a', 'b'], ...rows])), ignore);
      expect(await cellsOf(source)).toEqual(rows);
    }), { numRuns: 50 });
  });

  it('takes a byte order mark, a nameless index and Windows line ends', async () => {
    const source = await openCsv(file('bom.csv', '\uFEFF,a\r\n0,x\r\n1,y\r\n'), ignore);
    expect(source.columns.map(({ name }) => name)).toEqual(['column_1', 'a']);
    expect(await cellsOf(source)).toEqual([['0', 'x'], ['1', 'y']]);
  });

  it('goes on behind a misplaced quote and a ragged line', async () => {
    const source = await openCsv(file('ragged.csv', 'a,b\n"x"y,1\n1\n2,3,4\n5,6\n'), ignore);
    expect(await rowsOf(source)).toMatchObject([{ cells: ['"x"y', '1'] }, { code: 'schema_invalid', reason: expect.stringContaining('line 3') }, { code: 'schema_invalid', raw: '2,3,4' }, { cells: ['5', '6'] }]);
  });
});

describe('JSON Lines', () => {
  it('has the columns of all rows, each with the type that holds its values', async () => {
    const rows = [{ a: 1, b: 'x', c: true, d: 1.5, e: null, f: 1 }, { a: 2, b: null, d: 2, f: 'mixed', g: [1] }, { h: null }];
    const source = await openJsonLines(file('typed.jsonl', rows.map((row) => JSON.stringify(row)).join('\r\n')), ignore);
    expect(source.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['a INT64', 'b STRING', 'c BOOLEAN', 'd DOUBLE', 'e STRING', 'f JSON', 'g JSON', 'h STRING']);
    expect(await cellsOf(source)).toEqual(rows.map((row) => ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => (row as Record<string, unknown>)[name])));
  });

  it('takes nothing from a prototype', async () => {
    const source = await openJsonLines(file('proto.jsonl', '{"toString":1}\n{"a":2}\n'), ignore);
    expect(await cellsOf(source)).toEqual([[1, undefined], [undefined, 2]]);
  });
});

describe('Parquet', () => {
  it('comes row group by row group, with only what is needed', async () => {
    const filename = join(folder, 'groups.parquet');
    const count = 2500;
    const numbers = Array.from({ length: count }, (_, index) => index);
    parquetWriteFile({ filename, rowGroupSize: 999, columnData: [{ name: 'id', data: numbers.map(BigInt), type: 'INT64' }, { name: 'x', data: numbers.map((n) => (n % 3 === 0 ? undefined : n / 2)) as number[], type: 'DOUBLE', nullable: true }, { name: 'at', data: numbers.map((n) => new Date(n)), type: 'TIMESTAMP' }, { name: 'tags', data: numbers.map((n) => [n]), type: 'JSON' }] });
    const source = await openParquet(filename);
    expect(source.columns.map(({ type }) => type)).toEqual(['INT64', 'DOUBLE', 'TIMESTAMP', 'JSON']);
    const rows = (await cellsOf(source)) as unknown[][];
    expect(rows[2498]).toEqual([2498n, 1249, new Date(2498), [2498]]);
    expect(rows.map(([id]) => Number(id))).toEqual(numbers);
    for await (const block of source.rows(new Set(['x']))) expect(block[1]!.cells).toMatchObject([undefined, expect.any(Number), undefined, undefined]);
  });
});

describe('a column of ids', () => {
  it('is taken when every row has its own, and refused when one has none or two share one', async () => {
    const open = (text: string) => openCsv(file('ids.csv', `id,x\n${text}`), ignore);
    await checkIds(await open('a,1\nb,1\nragged\nc,1\n'), 0);
    await expect(checkIds(await open('a,1\nb,1\na,2\n'), 0)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('two rows') });
    await expect(checkIds(await open('a,1\n,1\n'), 0)).rejects.toMatchObject({ message: expect.stringContaining('row 2 has nothing') });
  });
});
