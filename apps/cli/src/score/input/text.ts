import { createReadStream } from 'node:fs';
import { cannotRead } from './source.js';

const CHUNK_BYTES = 256 * 1024;

/**
 * The text of a file in pieces.
 *
 * @throws ContractError `invalid_request` when it is not UTF-8
 */
export async function* textOfFile(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw cannotRead(file, 'it is not UTF-8', 'Convert it: iconv -f ENCODING -t UTF-8.');
    }
  };
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) yield decode(chunk as Buffer);
  yield decode();
}

/** A line, or what is known of one that is too long to be held. */
export interface Line {
  /** From 1 on. */
  readonly number: number;
  readonly text: string;
  readonly isTooLong: boolean;
}

/** Lines of a text that comes in pieces, without their ends; a line beyond the limit is cut there. */
export async function* linesOf(pieces: AsyncIterable<string>, maxCharacters: number): AsyncGenerator<Line[]> {
  let rest = '';
  let isTooLong = false;
  let number = 0;
  const close = (text: string): Line => {
    number += 1;
    const line = { number, text: text.endsWith('\r') ? text.slice(0, -1) : text, isTooLong };
    isTooLong = false;
    return line;
  };
  for await (const piece of pieces) {
    const parts = piece.split('\n');
    const lines: Line[] = [];
    for (const [index, part] of parts.entries()) {
      if (rest.length + part.length > maxCharacters) {
        rest = (rest + part).slice(0, maxCharacters);
        isTooLong = true;
      } else rest += part;
      if (index === parts.length - 1) break;
      lines.push(close(rest));
      rest = '';
    }
    if (lines.length > 0) yield lines;
  }
  if (rest !== '' || isTooLong) yield [close(rest)];
}
