import { Option, type Command } from 'commander';
import { readConfig } from '../config.js';
import { renderRecomputation } from '../domain/story/recomputation-text.js';
import type { Recomputation, Story } from '../domain/story/resources.js';
import { renderStory } from '../domain/story/text.js';
import { ask } from '../http.js';

/** What the ledger says of a story that it told to the tracing backend. */
interface Emitted {
  readonly traceId: string;
  readonly spans: number;
  readonly outcomes: number;
}

const renderEmitted = ({ traceId, spans, outcomes }: Emitted): string =>
  `${spans} spans on their way to the tracing backend, ${outcomes} of them of outcomes.\nTrace ${traceId}`;

interface TraceOptions {
  readonly json?: boolean;
  readonly emit?: boolean;
  readonly recompute?: boolean;
}

export function traceCommand(program: Command): void {
  program
    .command('trace')
    .argument('<prediction>', 'prediction id')
    .description('Tell the whole story of a prediction, from the request to what came of it')
    .option('--json', 'print the story as the ledger tells it')
    .addOption(new Option('--recompute', 'compute the answer again, by the artifact that gave it and from the features as used, and compare bit for bit').conflicts('emit'))
    .option('--emit', 'send the spans of the story to the tracing backend once more, whatever its age')
    .addHelpText('after', `
Exit code 1: computed again, the answer is another one.

Examples:
  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8
  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8 --json
  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8 --recompute
  npx throughline trace 7b76029e-19dc-5779-9358-6c2488af76f8 --emit`)
    .action(async (prediction: string, options: TraceOptions) => {
      const url = `${readConfig(process.env).LEDGER_URL}/ledger/v1/predictions/${encodeURIComponent(prediction)}`;
      await (options.emit === true ? emit(url, options) : tell(url, options));
    });
}

async function emit(url: string, { json }: TraceOptions): Promise<void> {
  const emitted = await ask<Emitted>(`${url}/trace`, { method: 'POST' });
  print(json === true ? JSON.stringify(emitted, null, 2) : renderEmitted(emitted));
}

async function tell(url: string, { json, recompute }: TraceOptions): Promise<void> {
  const story = await ask<Story>(url);
  // What never came cannot be computed again.
  const recomputation = recompute === true && story.state !== 'awaited' ? await ask<Recomputation>(`${url}/recompute`, { method: 'POST' }) : undefined;
  print(json === true ? JSON.stringify({ ...story, recomputation }, null, 2) : [renderStory(story), ...(recomputation === undefined ? [] : [renderRecomputation(recomputation)])].join('\n\n'));
  // Bad news; that nothing could be compared is told as well, and is none.
  if (recomputation?.status === 'different') process.exitCode = 1;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
