import { ContractError, type ErrorCode } from '@throughline/contracts';
import { createLogger } from '@throughline/telemetry';
import { beforeEach, describe, expect, it } from 'vitest';
import { ProblemLog } from './problem.filter.js';
import { statusOf } from './problem.js';

let lines: Record<string, unknown>[];
let nowMs: number;
let log: ProblemLog;

beforeEach(() => {
  lines = [];
  nowMs = 5;
  log = new ProblemLog(createLogger('things', { level: 'debug', destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } }), () => nowMs);
});

function write(code: ErrorCode, cause?: Error): void {
  const error = new ContractError(code, `reason of ${code}`, { cause });
  log.write(error, { code, status: statusOf(error), path: '/things/1' });
}
const at = (level: string): Record<string, unknown>[] => lines.filter((line) => line['level'] === level);

describe('the log of problems', () => {
  it.each<[ErrorCode]>([['overloaded'], ['model_not_ready'], ['circuit_open'], ['unavailable'], ['deadline_exceeded']])('has each refusal as %s at debug, and one line without a stack for all of 10 s', (code) => {
    for (let request = 0; request < 1000; request++, nowMs += 9.9) write(code);
    expect(at('debug')).toHaveLength(1000);
    expect(at('error')).toEqual([]);
    expect(at('warn')).toEqual([expect.objectContaining({ code, count: 1, msg: expect.stringContaining(`reason of ${code}`) })]);
    expect(at('warn')[0]).not.toHaveProperty('err');
  });

  it('says after the interval how many there were since, and begins anew', () => {
    for (let request = 0; request < 5; request++) write('overloaded');
    nowMs += 9_999;
    write('overloaded');
    expect(at('warn')).toHaveLength(1);
    nowMs += 1;
    write('overloaded');
    nowMs += 10_000;
    write('overloaded');
    expect(at('warn').map(({ count }) => count)).toEqual([1, 6, 1]);
  });

  it('counts each code apart, and names what was behind it', () => {
    write('circuit_open');
    write('unavailable', new Error('connection refused'));
    expect(at('warn')).toMatchObject([{ code: 'circuit_open', count: 1 }, { code: 'unavailable', count: 1, err: { message: 'connection refused' } }]);
  });

  it('has every defect at error with its stack, and bad input at debug alone', () => {
    for (const code of ['internal', 'internal', 'artifact_hash_mismatch', 'invalid_request'] as const) write(code);
    expect(at('error')).toMatchObject(['internal', 'internal', 'artifact_hash_mismatch'].map((code) => ({ code, err: { stack: expect.stringContaining('problem.filter') } })));
    expect(at('debug')).toMatchObject([{ code: 'invalid_request' }]);
    expect(at('warn')).toEqual([]);
  });
});
