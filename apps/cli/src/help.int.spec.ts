import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { COMMAND } from './testing/installation.js';

const run = (...args: string[]): Promise<string> => promisify(execFile)(process.execPath, [COMMAND, ...args]).then(({ stdout }) => stdout, (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`);

it('every command that the help names is loaded by its name alone, and a name that is spelt wrong is told the nearest', async () => {
  const names = [...(await run('--help')).matchAll(/^ {2}([a-z-]+)(?= |$)/gm)].map(([, name]) => name!).filter((name) => !['help', 'npx'].includes(name));
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) expect(await run(name, '--help')).toMatch(new RegExp(`^Usage: throughline ${name} `));
  expect(await run('audt')).toBe("2 error: unknown command 'audt'\n(Did you mean audit?)\n");
});
