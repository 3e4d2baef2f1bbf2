import { createInterface } from 'node:readline/promises';
import { ContractError } from '@throughline/contracts';
import type { Command } from 'commander';
import { Platform } from '../apply/platform.js';
import { readModel } from '../apply/read-file.js';
import { carryOut, type Reporter } from '../apply/run.js';
import { readConfig } from '../config.js';
import { isUpToDate, planOf, planText } from '../domain/apply/plan.js';
import { Progress } from '../terminal.js';

interface ApplyOptions {
  readonly plan?: boolean;
  readonly yes?: boolean;
  readonly promote?: boolean;
  readonly override?: string;
  readonly author: string;
  readonly reason?: string;
}

export function applyCommand(program: Command): void {
  program
    .command('apply')
    .argument('<file>', 'a model’s file, such as model.yaml')
    .description('Make the platform what a model’s file says: shows what would change, asks, does it; again, it changes nothing')
    .option('--plan', 'only show what would change')
    .option('-y, --yes', 'do not ask')
    .option('--promote', 'bring the file’s version in although it was replaced or rolled back before')
    .option('--override <reason>', 'let a version serve that does not say what made it; on record under your name')
    .option('--author <name>', 'who decides', process.env['USER'] ?? 'cli')
    .option('--reason <text>', 'why')
    .addHelpText('after', `
Examples:
  npx throughline init
  npx throughline apply model.yaml --plan
  npx throughline apply model.yaml --yes --reason "new budget"

The version becomes champion as the file’s promotion says: the first one at once, later ones at once, by a rollout, or with an approval.`)
    .action(apply);
}

async function apply(path: string, { plan: planOnly, yes, promote = false, override, author, reason }: ApplyOptions): Promise<void> {
  const { file, version } = await readModel(path);
  const { REGISTRY_URL, RETRAINING_URL, FEATURE_STORE_URL } = readConfig(process.env);
  const platform = new Platform({ registry: REGISTRY_URL, retraining: RETRAINING_URL, features: FEATURE_STORE_URL }, file.name, { author, reason });
  const plan = planOf({ file, uploadDigest: version?.uploadDigest, isPromotionForced: promote }, await platform.present(file));
  process.stdout.write(`${planText(file.name, plan)}\n`);
  if (isUpToDate(plan)) return void process.stdout.write('No changes.\n');
  if (planOnly === true) return;
  if (yes !== true && !(await agreed())) return void process.stdout.write('Nothing was changed.\n');
  const report = new TerminalReport();
  try {
    await carryOut(plan, { platform, model: file.name, local: version, override }, report);
  } catch (error) {
    report.end();
    throw stopped(error, report.doneSteps);
  }
  report.end();
  process.stdout.write('Applied.\n');
}

async function agreed(): Promise<boolean> {
  if (process.stdin.isTTY !== true) throw new ContractError('invalid_request', 'there is no terminal to ask on', { cure: 'Say --yes to apply, or --plan to only look.' });
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question('Apply? [y/N] ')).trim());
  } finally {
    lines.close();
  }
}

function stopped(error: unknown, done: readonly string[]): unknown {
  if (!(error instanceof ContractError)) return error;
  const before = done.length === 0 ? 'Nothing was changed before.' : `Done before: ${done.join('; ')}.`;
  return new ContractError(error.code, error.message, { cure: `${error.cure}\n  ${before} Apply again to go on from there.`, cause: error });
}

class TerminalReport implements Reporter {
  readonly doneSteps: string[] = [];
  private readonly line = new Progress();

  progress(doing: string): void {
    this.line.update(doing);
  }

  done(what: string): void {
    this.line.end();
    this.doneSteps.push(what);
    process.stdout.write(`  ✓ ${what}\n`);
  }

  note(what: string): void {
    this.line.end();
    process.stdout.write(`  ! ${what}\n`);
  }

  end(): void {
    this.line.end();
  }
}
