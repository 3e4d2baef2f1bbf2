import type { Command } from 'commander';
import { readConfig } from '../config.js';
import { renderStory, type Story } from '../domain/story-text.js';
import { ask } from '../http.js';

export function traceCommand(program: Command): void {
  program
    .command('trace')
    .argument('<prediction>', 'prediction id')
    .description('Tell the whole story of a prediction, from the request to what came of it')
    .option('--json', 'print the story as the ledger tells it')
    .addHelpText('after', '\nExamples:\n  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8\n  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8 --json')
    .action(async (prediction: string, { json }: { json?: boolean }) => {
      const story = await ask<Story>(`${readConfig(process.env).LEDGER_URL}/ledger/v1/predictions/${encodeURIComponent(prediction)}`);
      process.stdout.write(`${json === true ? JSON.stringify(story, null, 2) : renderStory(story)}\n`);
    });
}
