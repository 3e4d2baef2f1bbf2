/** Bodies of JSON that no client sends by intent; none may be more than a refusal. */
export const HOSTILE_BODIES: readonly (readonly [string, string | Buffer])[] = [
  ['nothing', ''],
  ['half of an object', '{"a":'],
  ['a number', '17'],
  ['null', 'null'],
  ['a list', '[]'],
  ['another list', '[[],{},null,"",0]'],
  ['a text', '"\\u0000"'],
  ['NUL in every text', '{"model":"a\\u0000","version":"\\u0000","name":"\\u0000","reason":"\\u0000","author":"\\u0000"}'],
  ['half of a surrogate pair', '{"model":"\\ud800","version":"1","reason":"\\udfff"}'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0xff, 0x7d])],
  ['numbers beyond all measure', '{"model":1e999,"version":-1e999,"limit":1e308,"expectedRevision":9007199254740993,"share":5e-324,"maxBatchSize":1e300}'],
  ['names of prototypes', '{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}},"toString":1,"hasOwnProperty":null}'],
  ['a hundred thousand levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ['a hundred thousand levels of objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['a long text', JSON.stringify({ model: 'x'.repeat(500_000), name: 'x'.repeat(400_000) })],
  ['ten thousand names', JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field${index}`, index])))],
  ['the wrong type everywhere', '{"model":[],"version":{},"reason":7,"author":false,"inputs":"x","features":3,"df":[],"entities":"e","ids":{},"strategy":0,"candidate":[],"steps":"s"}'],
];

export const HOSTILE_TYPES: readonly string[] = ['', 'text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/json; charset=utf-16', 'multipart/form-data', 'multipart/form-data; boundary=', 'application/octet-stream', 'x'];

/** An example with one of its values made hostile, for each of them and each way. */
export function spoilt(example: unknown): unknown[] {
  if (typeof example === 'string') return ['', 'x'.repeat(100_000), '\u0001', '😀'.repeat(400), '99999999999999999999', null, {}];
  if (typeof example === 'number') return [-1, 0.5, 1e308, 9_007_199_254_740_992, 5e-324, null, 'x'];
  if (Array.isArray(example)) return [[], Array.from({ length: 2_000 }, () => example[0] as unknown), null, ...example.flatMap((item, index) => spoilt(item).map((bad) => example.with(index, bad)))];
  if (typeof example !== 'object' || example === null) return [null, 'x', 17];
  return Object.entries(example).flatMap(([name, value]) => spoilt(value).map((bad) => ({ ...example, [name]: bad })));
}

/** Put where a parameter of a path goes, already encoded. */
export const HOSTILE_NAMES: readonly string[] = [
  '%00', 'a%00b', '%', '%E0%A4%A', '%ED%A0%80', '%FF', '..', '%2e%2e', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', 'a%2Fb', '%5c', '.', '%20', '%F0%9F%98%80', '-1', '0', '1.0', '1e3', '99999999999999999999', "'%20or%201=1--", 'x'.repeat(500), 'x'.repeat(5_000), 'x'.repeat(20_000),
  'constructor', '__proto__', 'null', 'NaN',
];

export const HOSTILE_QUERIES: readonly string[] = ['%00', '%', '%ff', '-1', '1e999', '99999999999999999999', 'NaN', '[]', 'x'.repeat(5_000), '0000-01-01T00:00:00Z', '9999-12-31T23:59:59%2B23:59', '2001-02-30T00:00:00Z', "'"];
