import { expect, it } from 'vitest';
import { terminalLine } from './log-line.js';

const line = (level: string, extra = {}) => JSON.stringify({ level, time: '2026-01-01T00:00:00Z', service: 'w', ...extra, msg: 'slow broker' });

it('shows what is severe enough, with its service and fields', () => {
  expect(terminalLine('worker', line('warn', { attempt: 2, code: 'unavailable' }), 'warn')).toBe('worker warn slow broker (attempt=2 code=unavailable)');
  expect(terminalLine('worker', line('info'), 'warn')).toBeUndefined();
});

it('shows the message of an error, not its stack', () => {
  expect(terminalLine('worker', line('error', { err: { message: 'ECONNRESET', stack: 'at …' } }), 'warn')).toBe('worker error slow broker: ECONNRESET');
});

it.each(['Error: out of memory', '{not json', '{"a":1}'])('shows %j, which is no line of the logger', (text) => {
  expect(terminalLine('worker', text, 'warn')).toBe(`worker ${text}`);
  expect(terminalLine('worker', text, 'error')).toBeUndefined();
});

it('leaves the stack of a crash to the log file', () => {
  expect(terminalLine('worker', '    at Module.run (file.js:1:2)', 'warn')).toBeUndefined();
});
