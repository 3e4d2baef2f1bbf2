import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules, parseRules, RULES_LANGUAGE, RulesError, type RulesDocument } from './index.js';

const numeric = (name: string) => ({ name, kind: 'numeric' as const });
const categorical = (name: string) => ({ name, kind: 'categorical' as const });
const features = [numeric('hour'), numeric('distance'), categorical('carrier')];

const documentOf = (outputs: Record<string, string>, more: Partial<RulesDocument> = {}): RulesDocument => ({ throughlineRules: 1, features, outputs, ...more });
const encoded = (document: unknown) => new TextEncoder().encode(JSON.stringify(document));

interface Flight {
  hour?: number;
  distance?: number;
  carrier?: string;
}

function run(expression: string, ...rows: Flight[]) {
  const { outputs, failures } = compileRules(documentOf({ value: expression })).run(
    {
      hour: Float64Array.from(rows, ({ hour = 0 }) => hour),
      distance: Float64Array.from(rows, ({ distance = 0 }) => distance),
      carrier: rows.map(({ carrier = '' }) => carrier),
    },
    rows.length,
  );
  return { values: [...outputs[0]!.data], datatype: outputs[0]!.datatype, failures: Object.fromEntries(failures) };
}
const valueOf = (expression: string, row: Flight = {}) => run(expression, row).values[0];

function refusal(act: () => unknown): RulesError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof RulesError) return thrown;
    throw thrown;
  }
  throw new Error('it was accepted');
}
const faultOf = (expression: string) => refusal(() => compileRules(documentOf({ value: expression })));

describe('a document of rules', () => {
  it('answers as it is written, row by row', () => {
    const { values, datatype } = run('hour >= 17 && distance > 1000 ? 0.4 : 0.15', { hour: 18, distance: 2475 }, { hour: 18, distance: 337 }, { hour: 7, distance: 2475 });
    expect({ values, datatype }).toEqual({ values: [0.4, 0.15, 0.15], datatype: 'FP64' });
  });

  it('describes itself as any model does: one input a feature, datatypes found from the expressions', () => {
    const document = documentOf({ probability: 'hour / 24', busy: 'hour > 16', runs: 'int(hour) % 4', label: 'carrier + "!"' }, { score: 'probability', threshold: 0.5, entities: { origin: 'airport' } });
    expect(compileRules(parseRules(encoded(document))).signature).toEqual({
      inputs: [
        { name: 'hour', datatype: 'FP64', shape: [-1, 1] },
        { name: 'distance', datatype: 'FP64', shape: [-1, 1] },
        { name: 'carrier', datatype: 'BYTES', shape: [-1, 1] },
      ],
      outputs: [
        { name: 'probability', datatype: 'FP64', shape: [-1, 1] },
        { name: 'busy', datatype: 'BOOL', shape: [-1, 1] },
        { name: 'runs', datatype: 'INT64', shape: [-1, 1] },
        { name: 'label', datatype: 'BYTES', shape: [-1, 1] },
      ],
      features,
      entities: { origin: 'airport' },
      task: 'binary_classification',
      score: { output: 'probability', index: 0, threshold: 0.5 },
    });
  });

  it('keeps what a signature says of a feature', () => {
    const feature = { ...numeric('delay'), default: 0, monitored: false, from: { view: 'routes', viewVersion: 1, feature: 'delay', entityRole: 'origin' } };
    expect(compileRules(parseRules(encoded({ throughlineRules: 1, features: [feature], outputs: { value: 'delay' } }))).signature.features).toEqual([feature]);
  });

  it.each<[string, unknown, RegExp]>([
    ['text that is not JSON', undefined, /not JSON/],
    ['another version of the form', { ...documentOf({ value: '1' }), throughlineRules: 2 }, /must be 1/],
    ['a misspelt field', { ...documentOf({ value: '1' }), treshold: 1 }, /“treshold”/],
    ['no features', { ...documentOf({ value: '1' }), features: [] }, /features/],
    ['a feature of no kind', { ...documentOf({ value: '1' }), features: [{ name: 'a' }] }, /“a”/],
    ['a default of the wrong type', { ...documentOf({ value: '1' }), features: [{ ...numeric('a'), default: 'x' }] }, /default of the numeric feature “a”/],
    ['two features of one name', { ...documentOf({ value: '1' }), features: [numeric('a'), numeric('a')] }, /same name/],
    ['no outputs', documentOf({}), /0 outputs/],
    ['an output that is no expression', { ...documentOf({}), outputs: { value: 1 } }, /“value”/],
    ['a score that is no output', documentOf({ value: '1.0' }, { score: 'other' }), /“score”/],
    ['a threshold without a score', documentOf({ value: '1.0' }, { threshold: 1 }), /“threshold”/],
    ['a score that is no number', documentOf({ value: 'true' }, { score: 'value' }), /must be a number/],
  ])('refuses %s, naming it', (_, document, reason) => {
    const error = refusal(() => parseRules(document === undefined ? new TextEncoder().encode('{') : encoded(document)));
    expect(error.message).toMatch(reason);
    expect(error.cure).not.toBe('');
  });

  it.each(['in', 'true', 'if', 'int', 'a-b', 'a b', '1a', 'constructor()', '__proto__', ' hour'])('refuses a feature called “%s”, which no expression could mean', (name) => {
    expect(refusal(() => compileRules({ throughlineRules: 1, features: [numeric(name)], outputs: { value: '1' } })).message).toContain('cannot be called');
  });
});

describe('integers in an expression', () => {
  it.each<[string, unknown]>([
    ['hour == 17', 1],
    ['hour >= 17', 1],
    ['17 <= hour', 1],
    ['hour + 1', 18],
    ['1 / 2 * hour', 8.5],
    ['-1 * hour', -17],
    ['hour > 16 ? 1 : 0.5', 1],
    ['hour > 16 ? hour : -3', 17],
    ['hour in [7, 17]', 1],
    ['max(hour, 20)', 20],
    ['pow(2, 3)', 8],
    ['hour - 0x11', 0],
    ['hour > 16 ? 1 : 0', 1n],
    ['int(hour) % 2 == 1', 1],
    ['size(carrier) + 1', 3n],
  ])('take the type of what they meet: %s', (expression, value) => {
    expect(valueOf(expression, { hour: 17, carrier: 'AA' })).toBe(value);
  });

  it('agree with doubles written out, in any arithmetic over a feature', () => {
    const literal = fc.integer({ min: 0, max: 1000 });
    const tree = fc.letrec<{ node: [string, string] }>((tie) => ({
      // The same expression as one writes it, and with every literal a double.
      node: fc.oneof(
        { maxDepth: 5 },
        literal.map((value): [string, string] => [String(value), `${value}.0`]),
        fc.constantFrom<[string, string]>(['hour', 'hour'], ['distance', 'distance']),
        fc.tuple(tie('node'), fc.constantFrom('+', '-', '*', '/'), tie('node')).map(([[a, x], op, [b, y]]): [string, string] => [`(${a} ${op} ${b})`, `(${x} ${op} ${y})`]),
        fc.tuple(tie('node'), tie('node'), tie('node')).map(([[a, x], [b, y], [c, z]]): [string, string] => [`(hour < ${a} ? ${b} : ${c})`, `(hour < ${x} ? ${y} : ${z})`]),
        tie('node').map(([a, x]): [string, string] => [`-(${a})`, `-(${x})`]),
      ),
    })).node;
    fc.assert(
      fc.property(tree, fc.double({ noNaN: true, min: -1e6, max: 1e6 }), ([written, meant], hour) => {
        // The sum with a feature makes a double of the whole, as the score of a rule is one.
        expect(run(`(${written}) + hour`, { hour, distance: 3 })).toEqual(run(`(${meant}) + hour`, { hour, distance: 3 }));
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is wrong with an expression is said with output, character and cure', () => {
  it.each([
    ['hour >', 7, /EOF/, /examples/],
    ['hour + minute', 8, /no feature “minute”/, /Correct the name/],
    ['(hour > 3 ? 1 : hour) + minute', 25, /no feature “minute”/, /features/],
    ['hour % 2', 1, /%/, /int\(a\) % 2/],
    ['hour > 3 ? 1 : "x"', 1, /same type/, /double\(…\)/],
    ['hour == 1 && hour + 1 == carrier', 14, /double == string/, /one type/],
    ['exp(hour, 1)', 1, /exp/, /one type/],
    ['carrier.substring(1)', 1, /no function “substring”/, /There are/],
    ['hour in carrier', 9, /list/, /list out/],
    ['[hour]', 1, /“list”/, /arithmetic/],
    ['null', 1, /written out/, /null/],
    ['b"x"', 1, /written out/, /bytes/],
    ['5u', 1, /written out/, /unsigned/],
  ])('%s', (expression, position, reason, cure) => {
    const error = faultOf(expression);
    expect(error.message).toMatch(reason);
    expect(error.message).toContain(`output “value”, character ${position}: `);
    expect(error.position).toBe(position);
    expect(error.cure).toMatch(cure);
  });
});

describe('nothing an expression can say runs for long, or far away', () => {
  it.each([
    'carrier.matches("(a+)+$")', '[1, 2].map(x, x)', '[1].all(x, [1].all(y, true))', '{"a": 1}', 'cel.bind(x, carrier, x + x)', 'has(hour.x)', 'hour.constructor', 'carrier[0]',
    'type(hour)', 'dyn(hour)', 'google', 'timestamp("2024-01-01T00:00:00Z")', 'duration("1s")', 'bytes(carrier)', 'carrier.split("")', 'constructor', '__proto__', 'toString()', 'hour.toString()',
  ])('refuses %s', (expression) => {
    expect(faultOf(expression)).toBeInstanceOf(RulesError);
  });

  it('refuses what is too long, too large or too deep', () => {
    expect(faultOf(`${'hour + '.repeat(1000)}hour`).message).toContain('4096');
    expect(faultOf(`${'1+'.repeat(600)}1`).message).toMatch(/limit|deeper|Exceeded/);
    expect(faultOf(`${'('.repeat(100)}hour${')'.repeat(100)}`).message).toContain('Exceeded');
    expect(faultOf('!'.repeat(4000) + 'true').message).toContain('Exceeded');
    expect(faultOf('-'.repeat(4090) + 'hour').message).toContain('Exceeded');
    expect(faultOf(`${'hour+'.repeat(100)}hour`).message).toContain('deeper');
  });

  it('refuses texts of any kind in no other way than with a RulesError', () => {
    const token = fc.constantFrom('hour', 'carrier', '1', '2.5', '"x"', '(', ')', '[', ']', '{', '}', '?', ':', '.', ',', '+', '-', '*', '/', '%', '<', '==', '&&', '||', '!', 'in', 'size', 'int', 'has', 'cel', 'x', '\\', '\0', '"', '`', 'r"', '"""');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join(' '))), (expression) => {
        try {
          const { failures } = run(expression, { hour: 1, carrier: 'AA' });
          expect(Object.keys(failures).length).toBeLessThanOrEqual(1);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RulesError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses bytes of any kind in no other way than with a RulesError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.jsonValue().map(encoded)), (bytes) => {
        expect(refusal(() => parseRules(bytes))).toBeInstanceOf(RulesError);
      }),
    );
  });
});

describe('a row that fails fails alone', () => {
  it.each([
    ['100 / int(hour)', 'division by zero'],
    ['100.0 / hour', 'infinite'],
    ['hour / hour', 'NaN'],
    ['9223372036854775807 - int(hour) + 1', 'numeric overflow'],
    ['int(100.0 / hour)', 'numeric overflow'],
    ['double(carrier)', 'double conversion error'],
  ])('%s', (expression, reason) => {
    const { values, failures } = run(expression, { hour: 2, carrier: '2' }, { hour: 0, carrier: 'x' }, { hour: 4, carrier: '4' });
    expect(failures).toEqual({ 1: expect.stringContaining(reason) });
    expect(values[0]).toEqual(valueOf(expression, { hour: 2, carrier: '2' }));
    expect(values[2]).toEqual(valueOf(expression, { hour: 4, carrier: '4' }));
  });

  it('and its reason repeats no value of it', () => {
    const { failures } = run('double(carrier) + double(int(hour) * 4611686018427387904)', { hour: 777, carrier: 'secret' });
    expect(failures[0]).not.toMatch(/secret|777/);
  });

  it('a text too long for an expression', () => {
    expect(run('carrier + carrier', { carrier: 'x'.repeat(4097) }, { carrier: 'x'.repeat(4096) }, { carrier: 'x' })).toMatchObject({ failures: { 0: expect.stringContaining('carrier'), 1: expect.stringContaining('value') } });
  });

  it('but NaN as a value is one like any other, where the signature lets it in', () => {
    expect(valueOf('isNaN(hour) ? 0.5 : hour', { hour: Number.NaN })).toBe(0.5);
    expect(valueOf('hour >= 17 ? 1.0 : 0.0', { hour: Number.NaN })).toBe(0);
  });
});

it('gives a row the same values in every batch', () => {
  const flight = fc.record({ hour: fc.double({ noNaN: true }), distance: fc.double({ noNaN: true }), carrier: fc.string() });
  fc.assert(
    fc.property(fc.array(flight, { minLength: 1, maxLength: 20 }), (rows) => {
      const expression = 'carrier.startsWith("A") || hour > 12 ? 1 / (1 + exp(-0.01 * distance)) : double(size(carrier)) / hour';
      const together = run(expression, ...rows);
      rows.forEach((row, index) => {
        const alone = run(expression, row);
        expect(alone.failures[0]).toBe(together.failures[index]);
        if (alone.failures[0] === undefined) expect(alone.values[0]).toBe(together.values[index]);
      });
    }),
  );
});

it('names the evaluator that is installed, for whoever recomputes an answer', () => {
  const manifest = fileURLToPath(new URL('../package.json', import.meta.resolve('@marcbachmann/cel-js')));
  expect(RULES_LANGUAGE).toBe(`cel-js ${(JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version}`);
});
