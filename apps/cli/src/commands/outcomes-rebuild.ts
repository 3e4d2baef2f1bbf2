import type { Command } from 'commander';
import { instant } from '../arguments.js';
import { readConfig } from '../config.js';
import { rebuildEnd, rebuildProgress, type Rebuild } from '../domain/rebuild-text.js';
import { ask, jsonBody } from '../http.js';
import { Looks } from '../looks.js';
import { Progress } from '../terminal.js';

const LONGEST_PAUSE_MS = 500;

interface RebuildOptions {
  readonly model: string;
  readonly from: string;
  readonly to: string;
  readonly reason?: string;
  readonly json?: boolean;
  readonly wait: boolean;
}

export function rebuildCommand(outcomes: Command): void {
  outcomes
    .command('rebuild')
    .description('Have the ledger tell the joins of a period again, as the model’s declaration of today judges them')
    .requiredOption('--model <model>', 'whose predictions')
    .requiredOption('--from <moment>', 'event time of the predictions, inclusive', instant)
    .requiredOption('--to <moment>', 'event time of the predictions, exclusive', instant)
    .option('--reason <text>', 'why, for who reads the list of rebuilds')
    .option('--no-wait', 'only start it; it goes on by itself, as it does after Ctrl-C')
    .option('--json', 'print what the ledger answers')
    .addHelpText('after', '\nExample:\n  npx throughline outcomes rebuild --model flight-delay --from 2001-01-01T00:00:00Z --to 2001-02-01T00:00:00Z')
    .action(async ({ model, from, to, reason, json, wait }: RebuildOptions) => {
      const url = `${readConfig(process.env).LEDGER_URL}/ledger/v1/rebuilds`;
      const started = await ask<Rebuild>(url, jsonBody('POST', { model, from, to, ...(reason === undefined ? {} : { reason }) }));
      const rebuild = wait ? await followed(url, started) : started;
      if (json === true) return void process.stdout.write(`${JSON.stringify(rebuild, null, 2)}\n`);
      process.stdout.write(`${rebuild.status === 'running' ? `Running: rebuild ${rebuild.rebuildId}; how far it is: ${url}/${rebuild.rebuildId}` : rebuildEnd(rebuild)}\n`);
    });
}

async function followed(url: string, started: Rebuild): Promise<Rebuild> {
  const progress = new Progress();
  const looks = new Looks(LONGEST_PAUSE_MS);
  try {
    for (let rebuild = started; ; ) {
      if (rebuild.status !== 'running') return rebuild;
      progress.update(rebuildProgress(rebuild));
      await looks.pause();
      rebuild = await ask<Rebuild>(`${url}/${rebuild.rebuildId}`);
    }
  } finally {
    progress.end();
  }
}
