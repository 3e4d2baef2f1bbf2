import type { Command } from 'commander';
import { rollBack } from '../rollouts/client.js';

/** Adds `models rollback`. */
export function rollbackCommand(models: Command): void {
  models
    .command('rollback')
    .argument('<model>', 'name of the model')
    .description('The way back, at once: aborts the rollout that runs, else the champion before the present one serves again')
    .option('--author <name>', 'who decides', process.env['USER'] ?? 'cli')
    .option('--reason <text>', 'why')
    .addHelpText('after', '\nExamples:\n  npx throughline models rollback flight-delay --reason "the hubs complain"')
    .action(async (model: string, by: { author: string; reason?: string }) => {
      const { champion, rollout } = await rollBack(model, by);
      process.stdout.write(`${rollout === undefined ? '' : `rollout ${rollout} is aborted; `}version ${champion} of ${model} serves\n`);
    });
}
