import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeysFile, hashKey } from '@throughline/http/keys';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { COMMAND } from './testing/installation.js';

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-keys-'));
  file = join(folder, 'keys.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const keys = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'keys', ...args, '--file', file], { encoding: 'utf8' });
  return { status, out: stdout.trim(), err: stderr };
};

it('a key is printed once and kept as its hash only, in a file for its owner', () => {
  const { status, out: key } = keys('create', '--name', 'ci', '--role', 'producer', '--team', 'fraud', '--expires', '30d');
  expect(status).toBe(0);
  expect(key).toMatch(/^tl_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  expect(readFileSync(file, 'utf8')).not.toContain(key.slice(-20));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const [record] = readKeysFile(file);
  expect(record).toMatchObject({ sha256: hashKey(key), role: 'producer', name: 'ci', team: 'fraud' });
  expect(Date.parse(record!.expiresAt!) - Date.now()).toBeGreaterThan(29 * 86_400_000);
});

it('list shows who has keys, revoke takes one out and leaves the others', () => {
  keys('create', '--name', 'ci', '--role', 'producer');
  keys('create', '--name', 'ada', '--role', 'admin');
  const [ci, ada] = readKeysFile(file);
  expect(keys('list').out).toMatch(new RegExp(`${ci!.id} +ci +producer +never\n${ada!.id} +ada +admin`));
  expect(keys('list', '--json').out).not.toContain(ci!.sha256);
  expect(keys('revoke', ci!.id)).toMatchObject({ status: 0, out: `revoked ${ci!.id}` });
  expect(readKeysFile(file).map(({ id }) => id)).toEqual([ada!.id]);
  expect(keys('revoke', ci!.id)).toMatchObject({ status: 2, err: expect.stringContaining('has no key') });
});

it('a name has one role: a second key of it replaces the first in time, and no other', () => {
  keys('create', '--name', 'ada', '--role', 'operator');
  expect(keys('create', '--name', 'ada', '--role', 'operator').status).toBe(0);
  expect(keys('create', '--name', 'ada', '--role', 'admin')).toMatchObject({ status: 2, out: '', err: expect.stringContaining('role operator') });
  expect(readKeysFile(file).map(({ role }) => role)).toEqual(['operator', 'operator']);
});

it('what it cannot read it leaves as it is', () => {
  writeFileSync(file, 'not keys', { mode: 0o600 });
  expect(keys('create', '--name', 'ci', '--role', 'viewer')).toMatchObject({ status: 2, out: '', err: expect.stringContaining('it is not JSON') });
  expect(readFileSync(file, 'utf8')).toBe('not keys');
  expect(keys('create', '--name', 'ci', '--role', 'root').status).toBe(2);
  expect(keys('create', '--name', 'ci', '--role', 'viewer', '--expires', 'soon').status).toBe(2);
});

it('of two changes at the same time one is refused', () => {
  writeFileSync(`${file}.new`, '');
  expect(keys('create', '--name', 'ci', '--role', 'viewer')).toMatchObject({ status: 2, out: '', err: expect.stringContaining('somebody else is changing the keys') });
});
