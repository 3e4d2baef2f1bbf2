import { ContractError, ERRORS } from '@throughline/contracts';
import { LocalStackError } from '@throughline/local-stack';
import { SettingError } from '@throughline/settings';
import { Command } from 'commander';
import { readEnvFile } from './config.js';
import { guardOutput, printable } from './terminal.js';

/** It could not do what was asked; 1 is for bad news. */
const EXIT_CANNOT = 2;
const START = 'Is the platform running? `npm start` starts it; KAFKA_BROKERS and PLATFORM_URL point at another one.';

/** By name, in the order of the help. Only what is asked for is loaded: a person waits for it. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  init: async () => (await import('./commands/init.js')).initCommand,
  apply: async () => (await import('./commands/apply.js')).applyCommand,
  audit: async () => (await import('./commands/audit.js')).auditCommand,
  models: async () => (await import('./commands/models.js')).modelsCommand,
  rollouts: async () => (await import('./commands/rollouts.js')).rolloutsCommand,
  score: async () => (await import('./commands/score.js')).scoreCommand,
  trace: async () => (await import('./commands/trace.js')).traceCommand,
  predictions: async () => (await import('./commands/predictions.js')).predictionsCommand,
  erase: async () => (await import('./commands/erase.js')).eraseCommand,
  outcomes: async () => (await import('./commands/outcomes.js')).outcomesCommand,
  labels: async () => (await import('./commands/labels.js')).labelsCommand,
  backtest: async () => (await import('./commands/backtest.js')).backtestCommand,
  costs: async () => (await import('./commands/costs.js')).costsCommand,
  'dead-letters': async () => (await import('./commands/dead-letters.js')).deadLettersCommand,
  keys: async () => (await import('./commands/keys.js')).keysCommand,
};

const program = new Command('throughline')
  .description('Machine-learning models behind Kafka, every prediction followed to the outcome it led to')
  .version('0.1.0')
  // `--version` after a command is the command's.
  .enablePositionalOptions()
  .addHelpText('after', `
Finds the platform that \`npm start\` runs; KAFKA_BROKERS, PLATFORM_URL, LEDGER_URL and REGISTRY_URL point elsewhere.

Examples:
  npx throughline doctor
  npx throughline models list
  npx throughline audit
  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8`)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_CANNOT));

const [, , asked = ''] = process.argv;
for (const load of Object.hasOwn(COMMANDS, asked) ? [COMMANDS[asked]!] : Object.values(COMMANDS)) (await load())(program);

readEnvFile();
guardOutput();
// A pipe that is closed early, as by `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT_CANNOT));
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${printable(explain(error))}\n`);
  process.exitCode = EXIT_CANNOT;
}

function explain(error: unknown): string {
  if (error instanceof ContractError) return `${error.code}: ${error.message}\n  cure: ${error.cure === ERRORS.unavailable.cure ? START : error.cure}`;
  if (error instanceof SettingError || error instanceof LocalStackError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
