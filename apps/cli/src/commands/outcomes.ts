import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { createBus } from '@throughline/bus/client';
import { ContractError, encodeEvent, type OutcomeObserved } from '@throughline/contracts';
import { Option, type Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { CLIENT } from '../client.js';
import { readConfig } from '../config.js';
import { checkFlags, EXAMPLE_LINE, keyOf, readLines, readValue } from '../domain/outcome-input.js';
import { Progress } from '../terminal.js';
import { rebuildCommand } from './outcomes-rebuild.js';

const SOURCE = '/throughline/cli';
const MESSAGES_A_SEND = 500;
/** Of one outcome; a file has its own. */
const FLAGS = ['prediction', 'requestSource', 'requestId', 'value', 'source', 'sequence', 'occurredAt'];

interface PushOptions {
  readonly file?: string;
  readonly prediction?: string;
  readonly requestSource?: string;
  readonly requestId?: string;
  readonly value?: string;
  readonly source: string;
  readonly sequence: number;
  readonly occurredAt?: string;
}

export function outcomesCommand(program: Command): void {
  const outcomes = program.command('outcomes').description('Tell what came of predictions');
  rebuildCommand(outcomes);
  outcomes
    .command('push')
    .description('Publish one outcome by flags, or many from a file')
    .addOption(new Option('--file <file>', 'JSON Lines, each line the data of outcome.observed; - reads standard input').conflicts(FLAGS))
    .option('--prediction <id>', 'the prediction it is about')
    .option('--request-source <source>', 'or the CloudEvents source of its request …')
    .option('--request-id <id>', '… and the id')
    .option('--value <value>', 'true, false, a number, or text (quotes force text)')
    .option('--source <name>', 'the system that says so', 'cli')
    .option('--sequence <number>', 'a higher one corrects what the source said before', wholeNumber, 0)
    .option('--occurred-at <instant>', 'when it became true, RFC 3339; default now')
    .addHelpText('after', `
Examples:
  npx throughline outcomes push --prediction 7b76029e-19dc-5779-9358-6c2488af76f8 --value true --source my-system
  npx throughline outcomes push --request-source /shop/checkout --request-id 42 --value 17.5 --occurred-at 2026-11-21T10:00:00Z
  npx throughline outcomes push --file outcomes.jsonl

A line of a file:
  ${EXAMPLE_LINE}`)
    .action(async (options: PushOptions) => {
      const all = options.file === undefined ? [fromFlags(options)] : readLines(await readInput(options.file));
      await publish(all, new Progress());
      process.stdout.write(`${all.length.toLocaleString('en-US')} published to outcome.observed.v1\n${options.prediction === undefined ? '' : `What came of it: npx throughline trace ${options.prediction}\n`}`);
    });
}

function fromFlags({ prediction, requestSource, requestId, value, source, sequence, occurredAt }: PushOptions): OutcomeObserved {
  if (value === undefined) throw new ContractError('invalid_request', 'there is nothing to tell', { cure: 'Give --value, or --file.' });
  const data: unknown = {
    ...(prediction === undefined ? {} : { predictionId: prediction }), ...(requestSource === undefined ? {} : { requestSource }), ...(requestId === undefined ? {} : { requestId }),
    value: readValue(value), source, sequence, occurredAt: occurredAt ?? new Date().toISOString(),
  };
  checkFlags(data);
  return data;
}

async function readInput(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new ContractError('invalid_request', `cannot read ${file}: ${(error as Error).message}`, { cure: 'Check the path.' });
  }
}

async function publish(outcomes: readonly OutcomeObserved[], progress: Progress): Promise<void> {
  const bus = createBus(readConfig(process.env), CLIENT);
  try {
    for (let sent = 0; sent < outcomes.length; sent += MESSAGES_A_SEND) {
      const messages = outcomes.slice(sent, sent + MESSAGES_A_SEND).map((data) => {
        const event = { id: randomUUID(), source: SOURCE, timeMs: Date.parse(data.occurredAt), data };
        return { topic: 'outcome.observed.v1' as const, key: keyOf(data), ...encodeEvent('outcome.observed.v1', event) };
      });
      await bus.producer.sendAll(messages);
      progress.update(`${Math.min(sent + MESSAGES_A_SEND, outcomes.length)} of ${outcomes.length} published`);
    }
  } finally {
    progress.end();
    await bus.close();
  }
}
