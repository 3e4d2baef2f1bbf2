import type { Command } from 'commander';
import { instant } from '../arguments.js';
import { readConfig } from '../config.js';
import { duration, labelPlot, labelRows, type LabelsAnswer } from '../domain/labels/labels-text.js';
import { ask } from '../http.js';
import { table } from '../terminal.js';

interface LabelsOptions {
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

export function labelsCommand(program: Command): void {
  program
    .command('labels')
    .argument('<model>', 'model')
    .description('Which outcomes of a model are known, which are due, and how long they take')
    .option('--from <moment>', 'event time of the predictions, inclusive; default 30 days and the model’s maturity before --to', instant)
    .option('--to <moment>', 'event time, exclusive; default the model’s newest', instant)
    .option('--json', 'print what the ledger answers')
    .addHelpText('after', '\nExamples:\n  npx throughline labels flight-delay\n  npx throughline labels flight-delay --from 2001-01-01T00:00:00Z --to 2001-02-01T00:00:00Z --json')
    .action(async (model: string, { from, to, json }: LabelsOptions) => {
      const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
      const answer = await ask<LabelsAnswer>(`${readConfig(process.env).LEDGER_URL}/ledger/v1/labels?${new URLSearchParams({ model, ...period }).toString()}`);
      process.stdout.write(`${json === true ? JSON.stringify(answer, null, 2) : render(answer)}\n`);
    });
}

function render(answer: LabelsAnswer): string {
  const { model, from, to, now, maturitySeconds } = answer;
  return [
    `Labels of ${model}, of predictions from ${from} to ${to} (event time; the model’s present is ${now})`,
    maturitySeconds === null ? 'Its deployment declares no maturity (outcome.maturitySeconds in its policy): nothing is due, and coverage has no meaning.' : `A label is due after ${duration(maturitySeconds)}.`,
    '', table(labelRows(answer)), '', 'Share of labels known after a delay (Kaplan-Meier: what has no label yet counts as watched so far, never as negative; 95 %):', ...labelPlot(answer),
  ].join('\n');
}
