/** Reads one raw value. */
export interface Parser<T> {
  /** What a valid value looks like, as it follows the word “expected”. */
  readonly expected: string;
  /** The value, or `undefined` when `raw` (trimmed, not empty) is not valid. */
  readonly read: (raw: string) => T | undefined;
}

/** A parser from what it expects and how it reads. */
export const parser = <T>(expected: string, read: (raw: string) => T | undefined): Parser<T> => ({ expected, read });

export const text: Parser<string> = parser('some text', (raw) => raw);

/** An integer within inclusive bounds. */
export const integer = (min: number, max: number): Parser<number> =>
  parser(`an integer from ${min} to ${max}`, (raw) => {
    const value = Number(raw);
    return /^[+-]?\d+$/.test(raw) && value >= min && value <= max ? value : undefined;
  });

/** A finite number within inclusive bounds. */
export const number = (min: number, max: number): Parser<number> =>
  parser(`a number from ${min} to ${max}`, (raw) => {
    const value = Number(raw);
    return Number.isFinite(value) && value >= min && value <= max ? value : undefined;
  });

export const boolean: Parser<boolean> = parser('true or false', (raw) => ({ true: true, '1': true, false: false, '0': false })[raw.toLowerCase()]);

/** One of a few words, in any case. */
export const oneOf = <const V extends readonly string[]>(...values: V): Parser<V[number]> =>
  parser(`one of ${values.join(', ')}`, (raw) => values.find((value) => value === raw.toLowerCase()));

/** 0 lets the system choose. */
export const port: Parser<number> = { ...integer(0, 65_535), expected: 'a TCP port, 0 to 65535' };

/** `host:port`, comma-separated, as Kafka clients take it. */
export const hostPorts: Parser<readonly string[]> = parser('host:port, several separated by commas', (raw) => {
  const entries = raw.split(',').map((entry) => entry.trim());
  return entries.every(isHostPort) ? entries : undefined;
});

function isHostPort(entry: string): boolean {
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@]+):(\d{1,5})$/.exec(entry);
  return match !== null && Number(match[1]) >= 1 && Number(match[1]) <= 65_535;
}

/** A URL of one of the given protocols, without a trailing slash. */
export const url = (...protocols: readonly string[]): Parser<string> =>
  parser(`a URL that starts with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`, (raw) => {
    if (!URL.canParse(raw)) return undefined;
    return protocols.includes(new URL(raw).protocol.slice(0, -1)) ? raw.replace(/\/+$/, '') : undefined;
  });

/** Part of a topic's or schema's name. */
export const namePrefix: Parser<string> = parser('letters, digits, dots, underscores or dashes', (raw) =>
  /^[A-Za-z0-9._-]{1,100}$/.test(raw) ? raw : undefined,
);

/** Part of a PostgreSQL identifier that needs no quotes. */
export const identifierPrefix: Parser<string> = parser(
  'a lower-case letter or underscore, then lower-case letters, digits or underscores, at most 30',
  (raw) => (/^[a-z_][a-z0-9_]{0,29}$/.test(raw) ? raw : undefined),
);
