import type { Command } from 'commander';
import { instant } from '../arguments.js';
import { readConfig } from '../config.js';
import { costNotes, costPlot, costRows, type CostReport } from '../domain/costs-text.js';
import { ask } from '../http.js';
import { table } from '../terminal.js';

interface CostOptions {
  readonly model?: string;
  readonly by: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

export function costsCommand(program: Command): void {
  program
    .command('costs')
    .description('What predictions cost, as an estimate, and what they were worth')
    .option('--model <model>', 'only this model')
    .option('--by <groups>', 'of model, version, team, role and day, separated by commas', 'model,version')
    .option('--from <moment>', 'so long ago (7d), or an instant; by when requests came, in whole UTC days; by default 30 days ago', instant)
    .option('--to <moment>', 'until then', instant)
    .option('--json', 'print as JSON')
    .addHelpText('after', '\nExamples:\n  npx throughline costs\n  npx throughline costs --model flight-delay --by day,team --from 7d')
    .action(async ({ model, by, from, to, json }: CostOptions) => {
      const query = new URLSearchParams({ groupBy: by, ...(model === undefined ? {} : { model }), ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
      const report = await ask<CostReport>(`${readConfig(process.env).LEDGER_URL}/ledger/v1/costs?${query}`);
      process.stdout.write(json === true ? `${JSON.stringify(report, null, 2)}\n` : render(report));
    });
}

const NOTHING = 'No answer was given then: the days are those on which requests came, whatever their event times. `npx throughline models list` names the models; --from and --to name other days.';

function render(report: CostReport): string {
  const parts = report.lines.length === 0 ? [[NOTHING]] : [[table(costRows(report))], costPlot(report), costNotes(report)];
  return `${[[`Requests from ${report.from} until ${report.to}`], ...parts].filter((lines) => lines.length > 0).map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
