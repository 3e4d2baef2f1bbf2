import { describe, expect, it } from 'vitest';
import { readOptions } from './options.js';

describe('readOptions', () => {
  it('has a default for everything, and takes the origin from the platform that started it', () => {
    expect(readOptions([], {})).toMatchObject({ minutes: 1, speed: 1800, origin: 'http://127.0.0.1:3000' });
    expect(readOptions([], { PLATFORM_URL: 'http://127.0.0.1:4000' }).origin).toBe('http://127.0.0.1:4000');
    expect(readOptions(['--minutes', '0.5', '--speed', '60', '--origin', 'https://example.org/'], { PLATFORM_URL: 'http://127.0.0.1:4000' })).toMatchObject({ minutes: 0.5, speed: 60, origin: 'https://example.org' });
  });

  it.each([[['--minutes', 'a']], [['--minutes', '0']], [['--speed', '-5']], [['--origin', 'here']], [['--unknown']]])('refuses %j and says why', (args) => {
    expect(() => readOptions(args, {})).toThrow(/expected|Unknown option|ambiguous/);
  });
});
