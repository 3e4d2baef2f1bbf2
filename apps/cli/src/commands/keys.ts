import { randomBytes } from 'node:crypto';
import { ContractError } from '@throughline/contracts';
import { hashKey, keyText, ROLES, SECRET_BYTES, type KeyRecord, type Role } from '@throughline/http/keys';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { momentIn } from '../domain/duration.js';
import { changeKeys, readKeys } from '../keys/keys-file.js';
import { table } from '../terminal.js';

const ID_BYTES = 6;

interface Create {
  readonly name: string;
  readonly role: Role;
  readonly team?: string;
  /** Epoch milliseconds. */
  readonly expires?: number;
  readonly file: string;
}

export function keysCommand(program: Command): void {
  const keys = program
    .command('keys')
    .description('API keys: the file that AUTH_KEYS_FILE names; it holds hashes only, and running services notice a change within a second')
    .addHelpText('after', '\nWhat a role may do: docs/security.md.');
  keys
    .command('create')
    .description('Make a key and print it, once')
    .requiredOption('--name <name>', 'who will use it; the audit names them key:<name>', named)
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option('--team <team>', 'whose it is', named)
    .option('--expires <duration>', 'after 90m, 12h, 30d; without it never', inFuture)
    .addOption(fileOption())
    .addHelpText('after', '\nExamples:\n  npx throughline keys create --name ci --role producer --expires 30d --file keys.json\n  npx throughline keys create --name ada --role approver --file keys.json')
    .action(create);
  keys
    .command('list')
    .description('Show the keys of the file; what a key is nobody knows any more')
    .addOption(fileOption())
    .option('--json', 'as JSON')
    .action(({ file, json }: { file: string; json?: boolean }) => {
      const records = readKeys(file);
      process.stdout.write(json === true ? `${JSON.stringify(records.map(({ sha256: _hash, ...shown }) => shown), null, 2)}\n` : `${table([['id', 'name', 'role', 'team', 'expires'], ...records.map(rowOf)])}\n`);
    });
  keys
    .command('revoke')
    .description('Take a key out of the file')
    .argument('<id>', 'as keys list shows it')
    .addOption(fileOption())
    .action((id: string, { file }: { file: string }) => {
      changeKeys(file, (records) => {
        if (!records.some((record) => record.id === id)) throw new ContractError('not_found', `${file} has no key ${id}`, { cure: '`throughline keys list` shows the ids.' });
        return records.filter((record) => record.id !== id);
      });
      process.stdout.write(`revoked ${id}\n`);
    });
}

const fileOption = (): Option => new Option('--file <file>', 'the file of keys').env('AUTH_KEYS_FILE').makeOptionMandatory();

function create({ name, role, team, expires, file }: Create): void {
  const id = randomBytes(ID_BYTES).toString('hex');
  const key = keyText(id, randomBytes(SECRET_BYTES));
  const expiresAt = expires === undefined ? undefined : new Date(expires).toISOString();
  changeKeys(file, (records) => {
    const namesake = records.find((record) => record.name === name && record.role !== role);
    if (namesake !== undefined) throw new ContractError('already_exists', `${name} has a key with the role ${namesake.role}: on record the two could not be told apart`, { cure: `Choose another name, or revoke ${namesake.id} first.` });
    return [...records, { id, sha256: hashKey(key), role, name, team, expiresAt }];
  });
  // The key alone on standard output, so that a script can keep it without reading it.
  process.stderr.write(`${name} (${role}${expiresAt === undefined ? '' : `, until ${expiresAt}`}) is in ${file}. The key is shown this once:\n`);
  process.stdout.write(`${key}\n`);
}

const rowOf = ({ id, name, role, team, expiresAt }: KeyRecord): string[] => [id, name, role, team ?? '', expiresAt ?? 'never'];

function named(text: string): string {
  if (text === '' || text.length > 100) throw new InvalidArgumentError('Expected 1 to 100 characters.');
  return text;
}

function inFuture(text: string): number {
  const momentMs = momentIn(text, Date.now());
  if (momentMs === undefined) throw new InvalidArgumentError('Expected a duration, such as 90m, 12h or 30d.');
  return momentMs;
}
