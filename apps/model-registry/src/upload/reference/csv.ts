/**
 * Parses CSV (RFC 4180): quoted fields may hold commas, line breaks and doubled quotes; line ends are CRLF or LF. Calls back once a
 * record; blank lines are no records.
 */
export function parseCsv(text: string, onRecord: (fields: string[]) => void): void {
  let fields: string[] = [];
  let position = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (position < text.length) {
    const { field, next } = text[position] === '"' ? quoted(text, position) : plain(text, position);
    fields.push(field);
    position = next + 1;
    if (text[next] === ',' && position < text.length) continue;
    if (text[next] === ',') fields.push('');
    if (text[next] === '\r' && text[position] === '\n') position += 1;
    if (fields.length > 1 || fields[0] !== '') onRecord(fields);
    fields = [];
  }
}

interface Scanned {
  readonly field: string;
  /** Where the separator, or the end of the line or text, is. */
  readonly next: number;
}

function plain(text: string, start: number): Scanned {
  let next = start;
  while (next < text.length && !isSeparator(text.charCodeAt(next))) next += 1;
  return { field: text.slice(start, next), next };
}

function quoted(text: string, start: number): Scanned {
  let field = '';
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) throw new SyntaxError('a quoted field does not end');
    field += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const next = quote + 1;
      if (next < text.length && !isSeparator(text.charCodeAt(next))) throw new SyntaxError('there is text after a quoted field');
      return { field, next };
    }
    field += '"';
    from = quote + 2;
  }
}

const isSeparator = (code: number): boolean => code === 0x2c || code === 0x0a || code === 0x0d;
