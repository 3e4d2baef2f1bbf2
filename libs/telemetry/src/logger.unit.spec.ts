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
  it('writes an error without the values of the statement that failed', () => {
    const { lines, logger } = capture('info');
    const driverError = Object.assign(new Error('duplicate key'), { detail: 'Key (routing_key)=(hunter2)', where: 'unnamed portal parameter $1 = hunter2' });
    const failed = Object.assign(new Error('duplicate key', { cause: driverError }), { query: 'INSERT INTO t VALUES ($1)', parameters: ['hunter2'], driverError, detail: driverError.detail, where: driverError.where, code: '23505' });
    for (const name of ['err', 'error', 'cause']) logger.error({ [name]: failed }, 'x');
    expect(lines).toHaveLength(3);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines[0]!['err']).toMatchObject({ type: 'Error', message: expect.stringContaining('duplicate key'), query: 'INSERT INTO t VALUES ($1)', code: '23505', stack: expect.any(String) });
  });
  it('never writes passwords or authorization headers', () => {
    const { lines, logger } = capture('info');
    logger.info({ password: 'hunter2', sasl: { password: 'hunter2' }, req: { headers: { authorization: 'Bearer hunter2', cookie: 'hunter2' } } }, 'x');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});
