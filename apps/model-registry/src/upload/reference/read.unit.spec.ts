import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ColumnKind } from '../../domain/baseline.js';
import { parseCsv } from './csv.js';
import { readReference } from './read.js';

const WANTED = new Map<string, ColumnKind>([['miles', 'numeric'], ['carrier', 'categorical'], ['score', 'numeric']]);
const EXPECTED = { rowCount: 3, columns: { miles: [100.5, null, Number.NaN], carrier: ['AA', 'UA', null], score: [0.25, 1, 0] } };

let folder: string;
let written = 0;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'throughline-reference-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(content: string | Uint8Array, wanted = WANTED) {
  const path = join(folder, String((written += 1)));
  await writeFile(path, content);
  const { rowCount, columns } = await readReference(path, wanted);
  return { rowCount, columns: Object.fromEntries(columns) };
}

describe('a reference is read the same', () => {
  it('from CSV, whatever other columns it has', async () =>
    expect(await read('carrier,note,miles,score\r\nAA,"a, ""quoted""\nnote",100.5,0.25\r\nUA,,,1\n,x,NaN,false\n')).toEqual(EXPECTED));
  it('from JSON Lines, with missing values left out or null', async () =>
    expect(await read('{"carrier":"AA","miles":100.5,"score":0.25}\n{"carrier":"UA","score":1}\n\n{"carrier":null,"miles":"NaN","score":0}')).toEqual(EXPECTED));
  it('from Parquet', async () =>
    expect(await read(new Uint8Array(parquetWriteBuffer({
      columnData: [
        { name: 'carrier', data: ['AA', 'UA', null], type: 'STRING' },
        { name: 'miles', data: [100.5, null, Number.NaN], type: 'DOUBLE' },
        { name: 'score', data: [0.25, 1, 0], type: 'FLOAT' },
        { name: 'other', data: [1, 2, 3], type: 'INT32' },
      ],
    })))).toEqual(EXPECTED));
  it('with integers of 64 bits', async () =>
    expect(await read(new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'miles', data: [1n, 2n], type: 'INT64' }] })), new Map([['miles', 'numeric']]))).toMatchObject({ columns: { miles: [1, 2] } }));
});

describe('a reference is refused', () => {
  it.each([
    ['without a column of every feature', 'miles,score\n1,1\n', /lacks the column\(s\) “carrier”/],
    ['without rows', 'miles,carrier,score\n', /has no rows/],
    ['when it is empty', '', /has no rows/],
    ['with text where a number belongs', 'miles,carrier,score\n1,AA,1\nfar,AA,1\n', /row 2: “miles” is not a number/],
    ['with a number where a category belongs', '{"miles":1,"carrier":7,"score":1}', /row 1: “carrier” is not text/],
    ['with a line that is no object', '{"miles":1,"carrier":"a","score":1}\n[1]', /line 2 is not a JSON object/],
    ['with a quote that does not end', 'miles,carrier,score\n1,"AA,1\n', /not valid CSV: a quoted field does not end/],
    ['when it only begins like Parquet', 'PAR1 and then something else', /not valid Parquet/],
    ['when it is not UTF-8', Uint8Array.of(0x6d, 0xff, 0xfe), /not UTF-8/],
  ])('%s', async (_, content, reason) => {
    await expect(read(content)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(reason), cure: expect.stringMatching(/\w/) });
  });
});

describe('CSV', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'ü') });
  const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  it.each(['\n', '\r\n'])('gives back every record that was written with %j', (end) =>
    fc.assert(fc.property(fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1 }), (records) => {
      const read: string[][] = [];
      parseCsv(records.map((record) => record.map(quote).join(',')).join(end), (fields) => read.push(fields));
      expect(read).toEqual(records);
    })));
});
