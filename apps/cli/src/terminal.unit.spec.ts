import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardOutput, printable, Progress, table } from './terminal.js';

/** Sets the window's title, goes up and erases, and says it with C1 instead of two characters. */
const ESCAPES = '\x1b]0;owned\x07\x1b[2A\x1b[J\x9b31m\r\x7f\u202e';
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

const written = (write: (stream: NodeJS.WriteStream) => void): string => {
  const chunks: string[] = [];
  write({ isTTY: true, write: (chunk: string | Uint8Array) => chunks.push(String(chunk)) > 0 } as unknown as NodeJS.WriteStream);
  return chunks.join('');
};

describe('what strangers wrote', () => {
  it('is shown and not obeyed, on whatever way it comes to the terminal', () => {
    const ways = [
      printable(ESCAPES), table([['team', ESCAPES], ['ops', 1]]),
      written((stream) => {
        guardOutput(stream);
        stream.write(ESCAPES);
      }),
      written((stream) => new Progress(stream, 0).update(ESCAPES)).replace('\r\x1b[K', ''),
    ];
    for (const way of ways) {
      expect(way).not.toMatch(OBEYED);
      expect(way).toContain('\\u001b]0;owned\\u0007');
    }
  });

  it('makes no line of its own in a table', () => expect(table([['a\nb', 'c'], ['d', 'e\tf']])).toBe('a b  c\nd    e f'));

  it('stays the same in JSON, and whatever has no such characters stays as it is', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => JSON.parse(printable(JSON.stringify({ text }))).text === text));
    expect(printable('Zürich → ORD\t17 %\n│██ 😀')).toBe('Zürich → ORD\t17 %\n│██ 😀');
  });
});
