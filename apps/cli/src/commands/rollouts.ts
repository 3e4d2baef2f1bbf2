import { readFile } from 'node:fs/promises';
import { ContractError, STRATEGIES, type RolloutRequest } from '@throughline/contracts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parse } from 'yaml';
import type { Rollout } from '../domain/rollouts/resources.js';
import { headline, progressLines, reportText } from '../domain/rollouts/text.js';
import { decide, findRollout, listRollouts, readReport, readRollout, runningRollout, startRollout } from '../rollouts/client.js';
import { watchRollout } from '../rollouts/watch.js';
import { table } from '../terminal.js';

interface StartOptions {
  readonly candidate: string;
  readonly strategy?: string;
  readonly spec?: string;
  readonly shares?: number[];
  readonly stepSeconds?: number;
  readonly stepPredictions?: number;
  readonly endsAfter?: number;
  readonly atEnd?: string;
  readonly allowSignatureChange?: boolean;
  readonly approve?: boolean;
  readonly author: string;
  readonly reason?: string;
  readonly watch?: boolean;
}

const ACTIONS = {
  pause: 'Stay at this step; the guards go on watching',
  resume: 'Go on with the steps',
  abort: 'Take the candidate out: what served before serves again',
  promote: 'Make the candidate the champion now, whatever steps and guards say; on record as an override',
} as const;

const EXIT_BAD_NEWS = 1;
const AUTHOR = ['--author <name>', 'who decides', process.env['USER'] ?? 'cli'] as const;

export function rolloutsCommand(program: Command): void {
  const rollouts = program.command('rollouts').description('Bring versions in under guards, and watch them');
  rollouts
    .command('start')
    .argument('<model>', 'name of the model')
    .description('Roll a version out; what is left out is as the strategy has it by default')
    .requiredOption('--candidate <version>', 'version on trial')
    .addOption(new Option('--strategy <strategy>', 'how; canary by default').choices(STRATEGIES))
    .option('--spec <file>', 'YAML or JSON with steps, guards, segments …: what the options do not say')
    .option('--shares <percents>', 'of a canary: shares of its steps, such as 5,25,100', percents)
    .option('--step-seconds <seconds>', 'least time of each step', positive)
    .option('--step-predictions <count>', 'least predictions of the candidate in each step', positive)
    .option('--ends-after <seconds>', 'fixed end of an A/B; latest end of the others', positive)
    .addOption(new Option('--at-end <what>', 'when all is through').choices(['promote', 'promote_if_better', 'report']))
    .option('--allow-signature-change', 'the candidate may have other inputs or outputs than the champion')
    .option(...AUTHOR)
    .option('--reason <text>', 'why')
    .option('--approve', 'approve it as the author, where the model’s policy asks for an approval and nobody is authenticated')
    .option('--watch', 'look on until it ends')
    .addHelpText('after', `
Examples:
  npx throughline rollouts start flight-delay --candidate 3
  npx throughline rollouts start flight-delay --candidate 3 --strategy canary --shares 5,25,100 --step-seconds 600 --watch
  npx throughline rollouts start flight-delay --candidate 3 --strategy ab --ends-after 604800 --spec ab.yaml`)
    .action(async (model: string, options: StartOptions) => {
      const rollout = await startRollout(model, await requestOf(options));
      process.stdout.write(`rollout ${rollout.id} has begun: ${headline(rollout)}\nLook on: npx throughline rollouts watch ${model}\n`);
      if (options.watch === true) await watch(model, rollout.id);
    });
  rollouts
    .command('list')
    .argument('[model]', 'only this model’s')
    .description('Rollouts, newest first')
    .option('--json', 'print as JSON')
    .action(async (model: string | undefined, { json }: { json?: boolean }) => {
      const found = await listRollouts(model);
      process.stdout.write(`${json === true ? JSON.stringify(found, null, 2) : listText(found)}\n`);
    });
  reading(rollouts, 'show', 'Where a rollout is, what its step still needs, what its guards say', async (model, id) => {
    const rollout = await readRollout(model, id);
    return { data: rollout, text: progressLines(rollout, Date.now()).join('\n') };
  });
  reading(rollouts, 'report', 'What a rollout has shown: both versions’ figures, guards, outcomes, a histogram of score differences', async (model, id) => {
    const report = await readReport(model, id);
    return { data: report, text: reportText(report) };
  });
  rollouts
    .command('watch')
    .argument('<model>', 'name of the model')
    .argument('[id]', 'of the rollout; by default the running one, else the last')
    .description('Look on until a rollout ends; exits with 1 when it was taken back')
    .action(async (model: string, id?: string) => watch(model, await findRollout(model, id)));
  for (const [action, description] of Object.entries(ACTIONS) as [keyof typeof ACTIONS, string][]) {
    rollouts
      .command(action)
      .argument('<model>', 'name of the model')
      .argument('[id]', 'of the rollout; by default the running one')
      .description(description)
      .option(...AUTHOR)
      .option('--reason <text>', 'why')
      .action(async (model: string, id: string | undefined, by: { author: string; reason?: string }) => {
        const rollout = await decide(model, await runningRollout(model, id), action, by);
        process.stdout.write(`${headline(rollout)}\n`);
      });
  }
}

function reading(rollouts: Command, name: string, description: string, read: (model: string, id: string) => Promise<{ data: object; text: string }>): void {
  rollouts
    .command(name)
    .argument('<model>', 'name of the model')
    .argument('[id]', 'of the rollout; by default the running one, else the last')
    .description(description)
    .option('--json', 'print as JSON')
    .action(async (model: string, id: string | undefined, { json }: { json?: boolean }) => {
      const { data, text } = await read(model, await findRollout(model, id));
      process.stdout.write(`${json === true ? JSON.stringify(data, null, 2) : text}\n`);
    });
}

async function watch(model: string, id: string): Promise<void> {
  const { status } = await watchRollout(model, id);
  if (status === 'rolled_back' || status === 'aborted') process.exitCode = EXIT_BAD_NEWS;
}

async function requestOf({ candidate, spec, strategy, shares, stepSeconds, stepPredictions, endsAfter, atEnd, allowSignatureChange, approve, author, reason }: StartOptions): Promise<RolloutRequest> {
  const given = spec === undefined ? {} : await readSpec(spec);
  const minimums = { ...(stepSeconds === undefined ? {} : { minSeconds: stepSeconds }), ...(stepPredictions === undefined ? {} : { minPredictions: stepPredictions }) };
  const isStepped = shares !== undefined || Object.keys(minimums).length > 0;
  const chosen = strategy ?? given.strategy ?? 'canary';
  const defaultShares = chosen === 'canary' ? [0.01, 0.05, 0.25, 0.5, 1] : [undefined];
  return {
    ...given, candidate, author, strategy: chosen as RolloutRequest['strategy'],
    ...(isStepped ? { steps: (shares ?? defaultShares).map((share) => ({ ...(share === undefined ? {} : { share }), ...minimums })) } : {}),
    ...(endsAfter === undefined ? {} : { endsAfterSeconds: endsAfter }),
    ...(atEnd === undefined ? {} : { atEnd: atEnd as NonNullable<RolloutRequest['atEnd']> }),
    ...(allowSignatureChange === true ? { allowSignatureChange } : {}),
    ...(approve === true ? { approve } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

async function readSpec(path: string): Promise<Partial<RolloutRequest>> {
  try {
    const value = parse(await readFile(path, 'utf8'), { version: '1.2' }) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    throw new Error('it holds no group of fields');
  } catch (error) {
    throw new ContractError('invalid_request', `cannot read ${path}: ${(error as Error).message}`, { cure: 'For example: {strategy: canary, steps: [{share: 0.05, minSeconds: 600}, {share: 1}]}' });
  }
}

const listText = (rollouts: readonly Rollout[]): string =>
  rollouts.length === 0 ? 'No rollouts yet: npx throughline rollouts start --help' : table([['model', 'id', 'strategy', 'candidate', 'champion', 'status', 'started', 'conclusion'], ...rollouts.map(({ model, id, strategy, candidate, champion, status, startedAt, conclusion }) => [model, id, strategy, candidate, champion, status, startedAt, conclusion ?? '-'])]);

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

function percents(text: string): number[] {
  return text.split(',').map((one) => {
    const value = Number(one);
    if (!(value > 0 && value <= 100)) throw new InvalidArgumentError('Expected percents above 0 and up to 100, such as 5,25,100.');
    return value / 100;
  });
}
