import type { Command } from 'commander';
import { readConfig } from '../config.js';
import { renderStory, type Story } from '../domain/story-text.js';
import { ask } from '../http.js';

/** What the ledger says of a story that it told to the tracing backend. */
interface Emitted {
  readonly traceId: string;
  readonly spans: number;
  readonly outcomes: number;
}

const renderEmitted = ({ traceId, spans, outcomes }: Emitted): string =>
  `${spans} spans on their way to the tracing backend, ${outcomes} of them of outcomes.\nTrace ${traceId}`;

export function traceCommand(program: Command): void {
  program
    .command('trace')
    .argument('<prediction>', 'prediction id')
    .description('Tell the whole story of a prediction, from the request to what came of it')
    .option('--json', 'print the story as the ledger tells it')
    .option('--emit', 'send the spans of the story to the tracing backend once more, whatever its age')
    .addHelpText('after', '\nExamples:\n  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8\n  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8 --json\n  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8 --emit')
    .action(async (prediction: string, { json, emit }: { json?: boolean; emit?: boolean }) => {
      const url = `${readConfig(process.env).LEDGER_URL}/ledger/v1/predictions/${encodeURIComponent(prediction)}`;
      if (emit === true) {
        const emitted = await ask<Emitted>(`${url}/trace`, { method: 'POST' });
        process.stdout.write(`${json === true ? JSON.stringify(emitted, null, 2) : renderEmitted(emitted)}\n`);
        return;
      }
      const story = await ask<Story>(url);
      process.stdout.write(`${json === true ? JSON.stringify(story, null, 2) : renderStory(story)}\n`);
    });
}
