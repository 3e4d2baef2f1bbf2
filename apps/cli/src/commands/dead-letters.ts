import { createInterface } from 'node:readline/promises';
import { createBus } from '@throughline/bus/client';
import { ContractError } from '@throughline/contracts';
import type { Command } from 'commander';
import { collected, moment, wholeNumber } from '../arguments.js';
import { CLIENT } from '../client.js';
import { readConfig, type CliConfig } from '../config.js';
import { DEAD_LETTERS, originalOf, readLetters, type Found } from '../dead-letters/read.js';
import { planReplay, replay, type ReplayPlan } from '../dead-letters/replay.js';
import type { LetterFilter } from '../domain/letter-filter.js';
import { Progress, table } from '../terminal.js';

interface FilterOptions {
  readonly topic?: string;
  readonly group?: string;
  readonly code?: string;
  readonly since?: number;
}

interface ListOptions extends FilterOptions {
  readonly limit: number;
  readonly json?: boolean;
}

interface ReplayOptions extends FilterOptions {
  readonly id?: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function deadLettersCommand(program: Command): void {
  const letters = program.command('dead-letters').description('Messages that no consumer could handle: look at them, send them back');
  withFilters(letters.command('list').description('List the last dead letters: when, why, and where the original is'))
    .option('--limit <number>', 'how many at most; 0 for all', wholeNumber, 20)
    .option('--json', 'print as JSON')
    .addHelpText('after', `
\`id\` is the place of the dead letter, \`original\` that of the message: topic/partition/offset. To see the bytes, while the topic keeps them:
  kcat -C -b BROKERS -t TOPIC -p PARTITION -o OFFSET -c 1

Examples:
  npx throughline dead-letters list
  npx throughline dead-letters list --group outcome-ledger --since 2h --limit 5 --json`)
    .action(async (options: ListOptions) => {
      const found = await lastLetters(readConfig(process.env), filterOf(options), options.limit);
      process.stdout.write(`${options.json === true ? JSON.stringify(found.map(plain), null, 2) : render(found)}\n`);
    });
  withFilters(letters.command('replay').description('Send dead letters back to the topic they came from, for the consumer group that failed and no other'))
    .option('--id <place>', 'this dead letter, as `list` shows it; may be given several times', collected)
    .option('--dry-run', 'say what would be sent back, and send nothing')
    .option('--yes', 'do not ask; needed for more than one where nobody can be asked')
    .addHelpText('after', `
First mend what made them fail. A replay is the original's bytes under the original's key, with \`attempt\` one higher than the letter's, so that it counts
instead of what came of the attempts before. The letter stays: the same one sent back twice is the same attempt twice, and takes effect once.
Exit code 0: all were sent back; 1: some cannot be.

Examples:
  npx throughline dead-letters replay --id dead-letter.v1/0/12
  npx throughline dead-letters replay --group outcome-ledger --code outcome_wrong_type --dry-run
  npx throughline dead-letters replay --topic prediction.requested.v1 --since 2026-11-21T10:00:00Z --yes`)
    .action(async (options: ReplayOptions) => {
      process.exitCode = (await replayLetters(readConfig(process.env), options)) ? 0 : 1;
    });
}

const withFilters = (command: Command): Command =>
  command
    .option('--topic <topic>', 'only those that came from this topic, such as prediction.requested.v1')
    .option('--group <group>', 'only those of this consumer group, such as outcome-ledger')
    .option('--code <code>', 'only those with this error code, such as outcome_wrong_type')
    .option('--since <moment>', 'only those from then on: 90s, 30m, 2h or 7d ago, or an RFC 3339 instant', moment);

const filterOf = ({ topic, group, code, since }: FilterOptions): LetterFilter => ({
  ...(topic === undefined ? {} : { topic }), ...(group === undefined ? {} : { group }), ...(code === undefined ? {} : { code }), ...(since === undefined ? {} : { sinceMs: since }),
});

/** Holds no more than it shows, however many there are. */
async function lastLetters(config: CliConfig, filter: LetterFilter, limit: number): Promise<Found[]> {
  const bus = createBus(config, CLIENT);
  let last: Found[] = [];
  try {
    await readLetters(bus.admin, filter, (found) => {
      last = [...last, ...found].sort((a, b) => a.atMs - b.atMs).slice(-limit);
    });
    return last;
  } finally {
    await bus.close();
  }
}

/** Whether all were, or could be, sent back. */
async function replayLetters(config: CliConfig, { id, dryRun, yes, ...options }: ReplayOptions): Promise<boolean> {
  const ids = id === undefined ? undefined : new Set(id.map(fullId));
  const filter = { ...filterOf(options), ...(ids === undefined ? {} : { ids }) };
  if (Object.keys(filter).length === 0) throw new ContractError('invalid_request', 'there is no saying which', { cure: 'Give --id, or a filter: --topic, --group, --code or --since.' });
  const bus = createBus(config, CLIENT);
  const progress = new Progress();
  try {
    const plan = await planReplay(bus, filter);
    if (ids !== undefined && plan.count + plan.obstacles < ids.size) throw new ContractError('not_found', `${plan.count + plan.obstacles} of the ${ids.size} dead letters are there`, { cure: 'See `npx throughline dead-letters list`.' });
    process.stdout.write(renderPlan(plan));
    if (plan.count === 0 || dryRun === true) return plan.obstacles === 0;
    if (plan.count > 1 && yes !== true && !(await isWanted(plan.count))) return false;
    const sent = await replay(bus, plan, (count) => progress.update(`${count} of ${plan.count} sent back`));
    progress.end();
    process.stdout.write(`${sent.toLocaleString('en-US')} sent back.\n`);
    return plan.obstacles === 0;
  } finally {
    progress.end();
    await bus.close();
  }
}

/** `partition/offset` will do: the topic is always the same. */
function fullId(text: string): string {
  const place = /^(?:dead-letter\.v1\/)?(\d+\/\d+)$/.exec(text);
  if (place === null) throw new ContractError('invalid_request', `“${text}” is no place of a dead letter`, { cure: `Give it as \`npx throughline dead-letters list\` shows it: ${DEAD_LETTERS}/0/12.` });
  return `${DEAD_LETTERS}/${place[1]}`;
}

async function isWanted(count: number): Promise<boolean> {
  if (!process.stdin.isTTY) throw new ContractError('invalid_request', `these are ${count}, and nobody can be asked here`, { cure: 'Give --yes; --dry-run only looks.' });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Send these ${count} back? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

// The value stays out: it is somebody's data. Its coordinates say where to read it.
const plain = ({ id, atMs, letter }: Found): object => ({
  id, at: new Date(atMs).toISOString(), code: letter.code, reason: letter.reason, group: letter.group, attempts: letter.attempts, original: originalOf(letter),
  sizeBytes: letter.leftOutBytes ?? letter.original.value?.length ?? 0, ...(letter.leftOutBytes === undefined ? {} : { leftOut: true }),
});

const render = (found: readonly Found[]): string =>
  found.length === 0
    ? 'No dead letters.'
    : table([['at', 'id', 'code', 'group', 'original', 'reason'], ...found.map(({ id, atMs, letter }) => [new Date(atMs).toISOString(), id, letter.code, letter.group, originalOf(letter), reasonOf(letter)])]);

const reasonOf = ({ reason, leftOutBytes }: Found['letter']): string => (leftOutBytes === undefined ? reason : `${reason} (too large for a dead letter: its ${leftOutBytes.toLocaleString('en-US')} bytes are only in the original's place)`);

function renderPlan({ count, obstacles, lines }: ReplayPlan): string {
  if (count + obstacles === 0) return 'No dead letters.\n';
  const rows = lines.map(({ id, code, original, group, attempt, obstacle }) => [id, code, original, group, ...(obstacle === undefined ? [attempt] : ['-', `cannot be sent back: ${obstacle}`])]);
  const more = count + obstacles - lines.length;
  return `${table([['id', 'code', 'back to', 'for', 'attempt'], ...rows])}\n${more > 0 ? `… and ${more} more\n` : ''}`;
}
