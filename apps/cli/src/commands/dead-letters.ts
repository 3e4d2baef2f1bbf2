import { createBus, decodeDeadLetter, type DeadLetter } from '@throughline/bus';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { CLIENT } from '../client.js';
import { readConfig, type CliConfig } from '../config.js';
import { table } from '../terminal.js';

interface Listed extends DeadLetter {
  readonly atMs: number;
}

interface ListOptions {
  readonly limit: number;
  readonly group?: string;
  readonly code?: string;
  readonly json?: boolean;
}

export function deadLettersCommand(program: Command): void {
  program
    .command('dead-letters')
    .description('Messages that no consumer could handle')
    .command('list')
    .description('List the last dead letters: when, why, and where the original is')
    .option('--limit <number>', 'how many at most; 0 for all', wholeNumber, 20)
    .option('--group <group>', 'only those of this consumer group, such as outcome-ledger')
    .option('--code <code>', 'only those with this error code, such as outcome_wrong_type')
    .option('--json', 'print as JSON')
    .addHelpText('after', `
\`original\` is topic/partition/offset. To see the bytes, while the topic keeps them:
  kcat -C -b BROKERS -t TOPIC -p PARTITION -o OFFSET -c 1

Examples:
  npx throughline dead-letters list
  npx throughline dead-letters list --group outcome-ledger --limit 5 --json`)
    .action(async (options: ListOptions) => {
      const letters = await lastLetters(readConfig(process.env), options);
      process.stdout.write(`${options.json === true ? JSON.stringify(letters.map(plain), null, 2) : render(letters)}\n`);
    });
}

/** Holds no more than it shows, however many there are. */
async function lastLetters(config: CliConfig, { limit, group, code }: ListOptions): Promise<Listed[]> {
  const bus = createBus(config, CLIENT);
  let last: Listed[] = [];
  try {
    await bus.admin.scan('dead-letter.v1', (messages) => {
      const found = messages.flatMap((message) => {
        const letter = decodeDeadLetter(message);
        return letter === undefined || (group !== undefined && letter.group !== group) || (code !== undefined && letter.code !== code) ? [] : [{ ...letter, atMs: message.timestampMs }];
      });
      last = [...last, ...found].sort((a, b) => a.atMs - b.atMs).slice(-limit);
    });
    return last;
  } finally {
    await bus.close();
  }
}

const coordinatesOf = ({ original }: DeadLetter): string => `${original.topic}/${original.partition}/${original.offset}`;

// The value stays out: it is somebody's data. Its coordinates say where to read it.
const plain = (letter: Listed): object => ({
  at: new Date(letter.atMs).toISOString(), code: letter.code, reason: letter.reason, group: letter.group, attempts: letter.attempts, original: coordinatesOf(letter), sizeBytes: letter.original.value?.length ?? 0,
});

const render = (letters: readonly Listed[]): string =>
  letters.length === 0 ? 'No dead letters.' : table([['at', 'code', 'group', 'original', 'reason'], ...letters.map((letter) => [new Date(letter.atMs).toISOString(), letter.code, letter.group, coordinatesOf(letter), letter.reason])]);
