import { ContractError } from '@throughline/contracts';
import type { Command } from 'commander';
import { readConfig } from '../config.js';
import { ask, jsonBody } from '../http.js';
import { Looks } from '../looks.js';
import { confirm, Progress, table } from '../terminal.js';

interface EraseOptions {
  readonly entity: string;
  readonly anyRole?: boolean;
  readonly model?: string;
  readonly reason: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

interface Erasure {
  readonly erasureId: string;
  readonly state: 'running' | 'done';
  readonly erased: Readonly<Record<string, number>>;
}

interface Proof {
  readonly holding: Readonly<Record<string, number>>;
  readonly erasedWithValues: number;
  readonly isErased: boolean;
  readonly sql: string;
}

const LONGEST_PAUSE_MS = 500;
const EXIT_BAD_NEWS = 1;

export function eraseCommand(program: Command): void {
  program
    .command('erase')
    .description('Forget an entity: remove its values from everything in the ledger, and prove it. It cannot be undone')
    .requiredOption('--entity <entity>', 'role and id, such as customer:42; with --any-role the id alone')
    .option('--any-role', 'the id in any role, and as a routing key')
    .option('--model <name>', 'only predictions of this model')
    .requiredOption('--reason <text>', 'why; stays on record, so do not name the entity')
    .option('--yes', 'do not ask; needed where nobody can be asked')
    .option('--json', 'print as JSON')
    .addHelpText('after', `
Scores, outcomes as numbers and all counts stay. What topics, files and backups still hold, and for how long: docs/ledger.md, Privacy.
Needs the role admin. Exit code 0: erased and proven; 1: rows still hold it.

Examples:
  npx throughline erase --entity customer:42 --reason "ticket 17"
  npx throughline erase --entity 42 --any-role --reason "ticket 17" --yes`)
    .action(async (options: EraseOptions) => {
      process.exitCode = (await erase(readConfig(process.env).LEDGER_URL, options)) ? 0 : EXIT_BAD_NEWS;
    });
}

async function erase(ledger: string, options: EraseOptions): Promise<boolean> {
  const { entityId, entityRole } = entityOf(options);
  if (options.yes !== true && !(await confirm(`Remove everything about ${options.entity}${options.model === undefined ? '' : ` in predictions of ${options.model}`} for ever?`))) {
    throw new ContractError('invalid_request', 'nothing was erased: nobody said yes', { cure: 'Answer y, or give --yes where nobody can be asked.' });
  }
  const base = `${ledger}/ledger/v1/erasures`;
  const { erasureId } = await ask<Erasure>(base, jsonBody('POST', { entityId, ...(entityRole === undefined ? {} : { entityRole }), ...(options.model === undefined ? {} : { model: options.model }), reason: options.reason }));
  const done = await follow(`${base}/${erasureId}`);
  const proof = await ask<Proof>(`${base}/${erasureId}/proof`, jsonBody('POST', { entityId }));
  process.stdout.write(options.json === true ? `${JSON.stringify({ ...done, proof }, null, 2)}\n` : render(done, proof));
  return proof.isErased;
}

/** @throws ContractError `invalid_request` when a role is missing, or not to be */
function entityOf({ entity, anyRole }: EraseOptions): { entityId: string; entityRole: string | undefined } {
  if (anyRole === true) return { entityId: entity, entityRole: undefined };
  const colon = entity.indexOf(':');
  if (colon < 1 || colon === entity.length - 1) throw new ContractError('invalid_request', `--entity ${entity} names no role`, { cure: 'Write role:id, such as customer:42, or add --any-role.' });
  return { entityId: entity.slice(colon + 1), entityRole: entity.slice(0, colon) };
}

async function follow(url: string): Promise<Erasure> {
  const progress = new Progress();
  const looks = new Looks(LONGEST_PAUSE_MS);
  for (;;) {
    const one = await ask<Erasure>(`${url}/progress`);
    progress.update(`${sum(one.erased).toLocaleString('en-US')} rows erased`);
    if (one.state === 'done') {
      progress.end();
      return one;
    }
    await looks.pause();
  }
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, one) => all + one, 0);

const render = ({ erasureId, erased }: Erasure, { holding, erasedWithValues, isErased, sql }: Proof): string => `Erasure ${erasureId}
${table([['erased', 'rows'], ...Object.entries(erased)], '  ')}
${sum(erased) === 0 ? 'Nothing was removed: no row is about it, or all was removed before. If you expected some, look at the role and the spelling.\n' : ''}${table([['still holding it', 'rows'], ...Object.entries(holding), ['marked as erased, with values', erasedWithValues]], '  ')}
${isErased ? 'Nothing in the ledger holds it any more.' : 'Rows still hold it: see the ledger’s log.'} To check it in the database: psql -v entity=…, in the ledger’s schema:
  ${sql}
`;
