import { expect, it } from 'vitest';
import { readArguments, readConfig } from './config.js';

it('hands the demo’s arguments on and keeps its own', () => {
  expect(readArguments(['--minutes', '2', '--speed=600', '--workers', '3'])).toEqual({
    help: false,
    demo: true,
    workers: 3,
    demoArguments: ['--minutes', '2', '--speed', '600'],
  });
  expect(readArguments(['--no-demo'])).toMatchObject({ demo: false, workers: 1 });
});

it.each([
  [['--workers', '0'], '--workers is "0"; expected an integer from 1 to 16'],
  [['--minutes', 'x'], '--minutes is "x"; expected a number from 0.05 to 1440'],
  [['--speed', '0'], '--speed is "0"; expected a number from 1 to 100000'],
  [['--wrokers', '2'], 'wrokers'],
  [['stray'], 'stray'],
])('refuses %j and says why', (args, reason) => {
  expect(() => readArguments(args)).toThrow(reason);
});

it('makes the home absolute, because processes differ in where they are', () => {
  expect(readConfig({}).THROUGHLINE_HOME).toMatch(/^\/.*\/\.throughline$/);
});
