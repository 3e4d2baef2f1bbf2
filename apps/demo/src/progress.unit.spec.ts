import { describe, expect, it } from 'vitest';
import { TerminalProgress } from './progress.js';

function terminal(isTTY: boolean, columns = 40) {
  const written: string[] = [];
  let nowMs = 0;
  const progress = new TerminalProgress({ isTTY, columns, write: (text) => written.push(text) }, () => nowMs);
  return { progress, written, pass: (ms: number) => (nowMs += ms) };
}

describe('TerminalProgress', () => {
  it('rewrites one line on a terminal, never wider than it, at most ten times a second', () => {
    const { progress, written, pass } = terminal(true);
    for (let percent = 0; percent <= 100; percent++) {
      progress.update('reading the flights of four weeks', percent / 100);
      pass(10);
    }
    progress.done('read');
    expect(written).toHaveLength(12);
    for (const text of written.slice(0, -1)) {
      expect(text.startsWith('\r\x1b[2K')).toBe(true);
      expect(text.length - '\r\x1b[2K'.length).toBeLessThan(40);
    }
    expect(written.at(-1)).toBe('\r\x1b[2K  read\n');
  });

  it('writes plain lines elsewhere, now and then', () => {
    const { progress, written, pass } = terminal(false);
    for (let second = 0; second < 12; second++) {
      progress.update('reading', second / 12);
      pass(1000);
    }
    progress.rewrite('a live line');
    expect(written).toEqual(['  reading … 0 %\n', '  reading … 42 %\n', '  reading … 83 %\n', 'a live line\n']);
  });
});
