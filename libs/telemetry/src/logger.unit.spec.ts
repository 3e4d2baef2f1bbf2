import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

function capture(level: string): { lines: Record<string, unknown>[]; logger: ReturnType<typeof createLogger> } {
  const lines: Record<string, unknown>[] = [];
  return { lines, logger: createLogger('ledger', { level, destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } }) };
}

describe('the logger', () => {
  it('writes one JSON object a line with service, level and time', () => {
    const { lines, logger } = capture('info');
    logger.warn({ code: 'unavailable' }, 'retrying');
    expect(lines).toEqual([{ level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), service: 'ledger', code: 'unavailable', msg: 'retrying' }]);
  });
  it('keeps to its level', () => {
    const { lines, logger } = capture('error');
    logger.info('no');
    expect(lines).toEqual([]);
  });
  it('never writes passwords or authorization headers', () => {
    const { lines, logger } = capture('info');
    logger.info({ password: 'hunter2', sasl: { password: 'hunter2' }, req: { headers: { authorization: 'Bearer hunter2', cookie: 'hunter2' } } }, 'x');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});
