import { ContractError, ERRORS } from '@throughline/contracts';
import { LocalStackError } from '@throughline/local-stack';
import { SettingError } from '@throughline/settings';
import { Command } from 'commander';
import { applyCommand } from './commands/apply.js';
import { auditCommand } from './commands/audit.js';
import { backtestCommand } from './commands/backtest.js';
import { costsCommand } from './commands/costs.js';
import { deadLettersCommand } from './commands/dead-letters.js';
import { doctorCommand } from './commands/doctor.js';
import { eraseCommand } from './commands/erase.js';
import { initCommand } from './commands/init.js';
import { keysCommand } from './commands/keys.js';
import { labelsCommand } from './commands/labels.js';
import { modelsCommand } from './commands/models.js';
import { outcomesCommand } from './commands/outcomes.js';
import { predictionsCommand } from './commands/predictions.js';
import { rolloutsCommand } from './commands/rollouts.js';
import { scoreCommand } from './commands/score.js';
import { traceCommand } from './commands/trace.js';
import { readEnvFile } from './config.js';
import { guardOutput, printable } from './terminal.js';

/** It could not do what was asked; 1 is for bad news. */
const EXIT_CANNOT = 2;
const START = 'Is the platform running? `npm start` starts it; KAFKA_BROKERS and PLATFORM_URL point at another one.';

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

for (const add of [doctorCommand, initCommand, applyCommand, auditCommand, modelsCommand, rolloutsCommand, scoreCommand, traceCommand, predictionsCommand, eraseCommand, outcomesCommand, labelsCommand, backtestCommand, costsCommand, deadLettersCommand, keysCommand]) add(program);

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
