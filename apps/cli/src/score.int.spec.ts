import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { decodeEvent, type PredictionRejected, type PredictionScored } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import { parquetReadObjects, asyncBufferFromFile } from 'hyparquet';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { promoteFlightDelay, flights, probabilityOf, type Flight } from './testing/flights.js';
import { COMMAND, install, type Finished, type Installation } from './testing/installation.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let home: Installation;
const path = (name: string): string => join(home.folder, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path(name), content);
  return path(name);
};
const csvOf = (rows: readonly Flight[]): string => `flight,hour,distance\n${rows.map(({ flight, hour, distance }) => `${flight},${hour},${distance}`).join('\n')}\n`;
const jsonLinesOf = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const argsOf = (input: string, output: string, ...more: string[]): string[] => ['score', '--model', 'flight-delay', '--input', input, '--output', output, ...more];
const score = (input: string, output: string, ...more: string[]): Promise<Finished> => home.run(...argsOf(input, output, ...more));

interface Result extends Flight {
  readonly row: number;
  readonly prediction_id: string;
  readonly probability: number;
  readonly score: number;
  readonly version: string;
}
const readJsonLines = <T>(name: string): T[] => readFileSync(path(name), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as T);

/** Every row once, in order, with its own prediction. */
function expectScored(results: readonly Result[], rows: readonly Flight[]): void {
  expect(results.map(({ row }) => row)).toEqual(rows.map((_, index) => index + 1));
  expect(results.map(({ flight }) => flight)).toEqual(rows.map(({ flight }) => flight));
  for (const [index, result] of results.entries()) expect(result.probability).toBeCloseTo(probabilityOf(rows[index]!), 5);
  expect(new Set(results.map((result) => result.prediction_id)).size).toBe(rows.length);
}

/** Answers on Kafka to the requests of a job. There are those of all jobs: only what has its source in it is decoded. */
async function answersTo(source: string, counts: (answer: PredictionScored | PredictionRejected) => boolean = () => true): Promise<number> {
  let count = 0;
  const countIn = (topic: 'prediction.scored.v1' | 'prediction.rejected.v1'): Promise<void> => home.bus.admin.scan(topic, (messages) => {
    for (const message of messages) {
      if (message.value?.includes(source) !== true) continue;
      const decoded = decodeEvent(topic, message);
      if (decoded.ok && decoded.data.requestSource === source && counts(decoded.data)) count += 1;
    }
  });
  await Promise.all([countIn('prediction.scored.v1'), countIn('prediction.rejected.v1')]);
  return count;
}
const sourceIn = (out: string): string => /source (\S+),/.exec(out)![1]!;

beforeAll(async () => {
  home = await install();
  await home.start('model-registry');
  await promoteFlightDelay(home);
  await home.start('inference-worker');
});
afterAll(() => home.close());

describe('a file that is well', () => {
  const rows = flights(3000);

  it.each(['csv', 'jsonl', 'parquet'])('comes out as JSON Lines from %s, every row once, in order, with what it had', async (format) => {
    const input = path(`in.${format}`);
    if (format === 'parquet') {
      parquetWriteFile({ filename: input, rowGroupSize: 700, columnData: [{ name: 'flight', data: rows.map((row) => row.flight), type: 'STRING' }, { name: 'hour', data: rows.map((row) => row.hour), type: 'INT32' }, { name: 'distance', data: rows.map((row) => row.distance), type: 'DOUBLE' }] });
    } else writeFileSync(input, format === 'csv' ? csvOf(rows) : jsonLinesOf(rows));
    const { code, out, err } = await score(input, path(`from-${format}.jsonl`));
    expect([code, out], err).toEqual([0, expect.stringMatching(/Rows +3,000\nScored +3,000\nRejected +0/)]);
    expectScored(readJsonLines<Result>(`from-${format}.jsonl`), rows);
    expect(existsSync(path(`from-${format}.jsonl.score`))).toBe(false);
    expect(await answersTo(sourceIn(out))).toBe(3000);
  });

  it('comes out as CSV, with a header', async () => {
    expect(await score(path('in.jsonl'), path('out.csv'), '--columns', 'flight')).toMatchObject({ code: 0 });
    const [header, ...lines] = readFileSync(path('out.csv'), 'utf8').trimEnd().split('\n').map((line) => line.split(','));
    expect(header).toEqual(['row', 'prediction_id', 'flight', 'probability', 'score', 'version', 'fallback']);
    expect(lines.map(([row, , flight]) => [row, flight])).toEqual(rows.map(({ flight }, index) => [String(index + 1), flight]));
    for (const [index, line] of lines.entries()) expect(Number(line[3])).toBeCloseTo(probabilityOf(rows[index]!), 5);
  });

  it('comes out as Parquet, with the types that the columns had', async () => {
    expect(await score(path('in.parquet'), path('out.parquet'))).toMatchObject({ code: 0 });
    const results = (await parquetReadObjects({ file: await asyncBufferFromFile(path('out.parquet')) })) as (Omit<Result, 'row'> & { row: bigint })[];
    expectScored(results.map((result) => ({ ...result, row: Number(result.row) })), rows);
    expect(results[0]).toMatchObject({ row: 1n, hour: 0, distance: 0, version: '1' });
  });

  it('is named by a column of its own, and refused when that does not tell the rows apart', async () => {
    const { out, code } = await score(path('in.jsonl'), path('named.jsonl'), '--id-column', 'flight', '--routing-key', 'flight');
    expect(code).toBe(0);
    expectScored(readJsonLines<Result>('named.jsonl'), rows);
    expect(await answersTo(sourceIn(out), (answer) => 'routingKey' in answer && answer.requestId === answer.routingKey)).toBe(3000);
    expect((await score(path('in.jsonl'), path('twice.jsonl'), '--id-column', 'hour')).err).toContain('two rows have the same value in the column “hour”');
  });

  it('is not scored over a file that is there, unless told', async () => {
    expect(await score(path('in.csv'), path('out.csv'))).toMatchObject({ code: 2, err: expect.stringContaining('is there already') });
    expect(await score(path('in.csv'), path('out.csv'), '--overwrite')).toMatchObject({ code: 0 });
  });
});

describe('rows that are not well', () => {
  it('go to a file beside the output, each with number, code, reason and cure; the others are scored', async () => {
    const input = file('bad.csv', 'flight,hour,distance\nA,1,2\nB,1\nC,x,2\nD,,4\n\nE,5,6,7\nF,2,"3"\n');
    const { code, out } = await score(input, path('bad-out.jsonl'));
    expect([code, out]).toEqual([1, expect.stringMatching(/Scored +2\nRejected +4/)]);
    expect(readJsonLines<Result>('bad-out.jsonl').map(({ row, flight }) => [row, flight])).toEqual([[1, 'A'], [6, 'F']]);
    expect(readJsonLines('bad-out.jsonl.rejected.jsonl')).toMatchObject([
      { row: 2, code: 'schema_invalid', reason: expect.stringContaining('2 fields, the header has 3'), raw: 'B,1' },
      { row: 3, code: 'wrong_type', cure: expect.any(String), input: { flight: 'C', hour: 'x' }, predictionId: expect.any(String) },
      { row: 4, code: 'feature_missing' },
      { row: 5, code: 'schema_invalid', raw: 'E,5,6,7' },
    ]);
  });

  it('go there from JSON Lines too: no JSON, no object, a list where a value belongs', async () => {
    const input = file('bad.jsonl', '{"hour":1,"distance":2}\n{"hour":\n[1]\n{"hour":[1],"distance":2}\n\n{"hour":2,"distance":3}');
    expect(await score(input, path('bad-json.csv'))).toMatchObject({ code: 1 });
    expect(readFileSync(path('bad-json.csv'), 'utf8').trimEnd().split('\n').map((line) => line.split(',')[0])).toEqual(['row', '1', '5']);
    expect(readJsonLines('bad-json.csv.rejected.jsonl')).toMatchObject([
      { row: 2, code: 'undecodable', raw: '{"hour":' }, { row: 3, code: 'schema_invalid', raw: '[1]' }, { row: 4, code: 'schema_invalid', reason: expect.stringContaining('features') },
    ]);
  });
});

describe('what cannot be done is said before anything is sent', () => {
  it.concurrent.each([
    ['a file that is not there', () => argsOf('/nowhere.csv', path('x.csv')), /cannot read \/nowhere\.csv/],
    ['an empty file', () => argsOf(file('empty.csv', ''), path('x.csv')), /it is empty/],
    ['a header without rows', () => argsOf(file('header.csv', 'hour,distance\n'), path('x.csv')), /it has no rows/],
    ['columns that lack a feature', () => argsOf(file('lacking.csv', 'hour,Distance\n1,2\n'), path('x.csv')), /feature_missing: the input has no column for “distance”; it has: hour, Distance[^]*hour, distance/],
    ['two columns of one name', () => argsOf(file('double.csv', 'hour,hour\n1,2\n'), path('x.csv')), /two columns are called “hour”/],
    ['a quote that is never closed', () => argsOf(file('quote.csv', `hour,distance\n1,"2\n${'3,4\n'.repeat(300_000)}`), path('x.csv')), /a quote that is never closed/],
    ['text in another encoding', () => argsOf(file('latin.csv', Buffer.from('hour,distance,caf\xe9\n1,2,3\n', 'latin1')), path('x.csv')), /not UTF-8/],
    ['Parquet that is none', () => argsOf(file('no.parquet', 'PAR1 hardly'), path('x.csv')), /not valid Parquet/],
    ['a format that nothing says', () => argsOf(file('rows.txt', 'hour\n1\n'), path('x.csv')), /--input-format/],
    ['an unknown column', () => argsOf(file('good-1.csv', 'hour,distance\n1,2\n'), path('x.csv'), '--routing-key', 'flight'), /--routing-key names the column “flight”/],
    ['an unknown version', () => argsOf(file('good-2.csv', 'hour,distance\n1,2\n'), path('x.csv'), '--version', '9'), /unknown_version[^]*It has: 1/],
    ['a folder that is not there', () => argsOf(file('good-3.csv', 'hour,distance\n1,2\n'), '/nowhere/x.csv'), /cannot write to \/nowhere/],
    ['an unknown model', () => ['score', '--model', 'nobody', '--input', file('good-4.csv', 'hour,distance\n1,2\n'), '--output', path('x.csv')], /unknown_model[^]*Deployed are: flight-delay/],
  ])('%s', async (_, args, message) => {
    const { code, err } = await home.run(...args());
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync(path('x.csv.score'))).toBe(false);
  });
});

describe('a job that is interrupted', () => {
  // More than are asked for at a time.
  const rows = flights(30_000);
  const answeredSoFar = (name: string): number => {
    try {
      return (JSON.parse(readFileSync(path(`${name}.score/checkpoint.json`), 'utf8')) as { released: number }).released;
    } catch {
      return 0;
    }
  };
  const sourceOf = (name: string): string => (JSON.parse(readFileSync(path(`${name}.score/job.json`), 'utf8')) as { source: string }).source;

  it('goes on after kill -9: every row is there once, and nothing was scored twice', async () => {
    const input = file('many.csv', csvOf(rows));
    for (let kills = 0; kills < 3 && answeredSoFar('many.jsonl') < rows.length / 2; kills += 1) {
      const before = answeredSoFar('many.jsonl');
      const { child, finished } = home.launch(...argsOf(input, path('many.jsonl')));
      expect(await eventually(async () => answeredSoFar('many.jsonl') > before, 60_000)).toBe(true);
      child.kill('SIGKILL');
      await finished;
    }
    const source = sourceOf('many.jsonl');
    expect(existsSync(path('many.jsonl'))).toBe(false);
    const { code, out, err } = await score(input, path('many.jsonl'));
    expect([code, err]).toEqual([0, expect.stringContaining('Going on')]);
    expect(sourceIn(out)).toBe(source);
    expectScored(readJsonLines<Result>('many.jsonl'), rows);
    expect(await answersTo(source)).toBe(rows.length);
  });

  it('says at Ctrl-C how to go on, and goes on; another file does not', async () => {
    const { child, finished, err } = home.launch(...argsOf(path('many.csv'), path('stopped.jsonl')));
    expect(await eventually(async () => answeredSoFar('stopped.jsonl') > 0, 60_000), err()).toBe(true);
    child.kill('SIGINT');
    const stopped = await finished;
    expect([stopped.code, stopped.out]).toEqual([130, expect.stringMatching(/Interrupted: [\d,]+ of 30,000 rows have their answers\. Go on with the same command:\n {2}npx throughline score --model flight-delay/)]);
    expect(await score(path('in.csv'), path('stopped.jsonl'))).toMatchObject({ code: 2, err: expect.stringMatching(/conflict: .* holds an unfinished job of another input/) });
    const source = sourceOf('stopped.jsonl');
    expect(await score(path('many.csv'), path('stopped.jsonl'))).toMatchObject({ code: 0 });
    expectScored(readJsonLines<Result>('stopped.jsonl'), rows);
    expect(await answersTo(source)).toBe(rows.length);
  });

  it('goes on after kill -9 while the results are written: nothing more is asked', async () => {
    // Writing them takes long enough to be interrupted.
    const input = file('more.csv', csvOf(flights(60_000)));
    const { child, finished } = home.launch(...argsOf(input, path('written.csv')));
    expect(await eventually(async () => existsSync(path('written.csv.score/output')), 60_000)).toBe(true);
    child.kill('SIGKILL');
    await finished;
    const source = sourceOf('written.csv');
    expect(existsSync(path('written.csv'))).toBe(false);
    expect(await score(input, path('written.csv'))).toMatchObject({ code: 0 });
    expect(readFileSync(path('written.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(60_000 + 1);
    expect(await answersTo(source)).toBe(60_000);
  });

  it('goes on after a disk that was full', async () => {
    const command = [process.execPath, COMMAND, ...argsOf(path('many.csv'), path('full.jsonl'))].join(' ');
    // No file may grow beyond 2,000 blocks: writing fails as on a full disk.
    const child = spawn('sh', ['-c', `ulimit -f 2000; exec ${command}`], { env: home.env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect([code, err]).toEqual([2, expect.stringMatching(/unavailable: EFBIG: file too large, write\. The job in \S+full\.jsonl\.score can be gone on with/)]);
    const source = sourceOf('full.jsonl');
    expect(await score(path('many.csv'), path('full.jsonl'))).toMatchObject({ code: 0 });
    expectScored(readJsonLines<Result>('full.jsonl'), rows);
    expect(await answersTo(source)).toBe(rows.length);
  });

  it('is completed when the worker is killed in the middle, and says what it waits for meanwhile', async () => {
    const { finished, err } = home.launch(...argsOf(path('many.csv'), path('widowed.jsonl')));
    expect(await eventually(async () => answeredSoFar('widowed.jsonl') > 0, 60_000), err()).toBe(true);
    await home.kill('inference-worker');
    expect(await eventually(async () => err().includes('waiting for an inference worker'), 60_000), err()).toBe(true);
    expect(await home.run(...argsOf(path('many.csv'), path('widowed.jsonl')))).toMatchObject({ code: 2, err: expect.stringMatching(/conflict: process \d+ is at work/) });
    await home.start('inference-worker');
    expect(await finished).toMatchObject({ code: 0, out: expect.stringMatching(/Scored +30,000/) });
    expectScored(readJsonLines<Result>('widowed.jsonl'), rows);
  });
});
