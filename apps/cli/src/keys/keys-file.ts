import { existsSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { ContractError } from '@throughline/contracts';
import { readKeysFile, type KeyRecord } from '@throughline/http/keys';

/** @throws ContractError `invalid_request` that says why the file cannot be used */
export function readKeys(file: string): KeyRecord[] {
  try {
    return readKeysFile(file);
  } catch (error) {
    throw new ContractError('invalid_request', `${file} is no file of API keys: ${(error as Error).message}`, { cure: 'Name the file that `throughline keys create` has written.' });
  }
}

/**
 * Changes the file in one step: services that read it meanwhile see the old keys or the new ones, and of two commands at the same time
 * one is refused.
 *
 * @throws ContractError `conflict` when somebody else is changing it, `invalid_request` when it cannot be read or written
 */
export function changeKeys(given: string, change: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): void {
  const file = existsSync(given) ? realpathSync(given) : given;
  const next = `${file}.new`;
  claim(next);
  try {
    const keys = change(existsSync(file) ? readKeys(file) : []);
    writeFileSync(next, `${JSON.stringify(keys, null, 2)}\n`);
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

function claim(next: string): void {
  try {
    writeFileSync(next, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new ContractError('conflict', `${next} is there: somebody else is changing the keys`, { cure: 'Try again; if nobody is, delete that file.' });
    throw new ContractError('invalid_request', message, { cure: 'Name a file in a folder that you may write to.' });
  }
}
