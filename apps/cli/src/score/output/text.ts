import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify/sync';
import type { ResultRow, TableWriter } from './writer.js';

export const writeCsv: TableWriter = async (file, columns, blocks) => {
  async function* text(): AsyncGenerator<string> {
    yield stringify([columns.map(({ name }) => name)]);
    for await (const rows of blocks) if (rows.length > 0) yield stringify(rows.map((row) => row.map(csvCell)));
  }
  await pipeline(Readable.from(text()), createWriteStream(file, { flush: true }));
};

export const writeJsonLines: TableWriter = async (file, columns, blocks) => {
  const object = (row: ResultRow): string => `${JSON.stringify(Object.fromEntries(columns.map(({ name }, index) => [name, jsonValue(row[index])])))}\n`;
  async function* text(): AsyncGenerator<string> {
    for await (const rows of blocks) yield rows.map(object).join('');
  }
  await pipeline(Readable.from(text()), createWriteStream(file, { flush: true }));
};

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  return typeof value === 'object' ? JSON.stringify(jsonValue(value)) : String(value as string | number | bigint | boolean);
}

/** What JSON has no form for: bytes as Base64, integers beyond 2^53 and what is not finite as text. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(jsonValue);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, jsonValue(part)]));
}
