import type { Command } from 'commander';
import { countFromOne, moment, wholeNumber } from '../arguments.js';
import { audit, type AuditReport } from '../audit/audit.js';
import { auditHours } from '../audit/hours.js';
import { recomputeSample, renderRecomputed } from '../audit/recompute.js';
import { readConfig } from '../config.js';
import { hourSentences, hourTables, type HourlyBooks } from '../domain/audit-hours.js';
import { Progress, table } from '../terminal.js';

interface Options {
  readonly from?: number;
  readonly to?: number;
  readonly settle: number;
  readonly deep?: boolean;
  readonly recompute?: number;
  readonly json?: boolean;
}

export function auditCommand(program: Command): void {
  program
    .command('audit')
    .description('Balance the books: every request ended or is in flight, every answer is recorded, every outcome joined or pending')
    .option('--from <moment>', 'hours from then on: 90m, 2h or 7d ago, or an RFC 3339 instant, by when messages reached Kafka; default 24 hours before --to', moment)
    .option('--to <moment>', 'hours up to then; default now', moment)
    .option('--deep', 'also read every request that Kafka still has and ask the ledger for it by its id')
    .option('--recompute <count>', 'also draw so many answers by lot, compute them again and compare bit for bit', countFromOne)
    .option('--settle <seconds>', 'how long to wait for what is in flight', wholeNumber, 10)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', `
By topic and hour of Kafka's timestamp. The ledger knows which offsets it has dealt with, and how many rows it wrote down: what the workers are done with and the ledger
has no answer to is missing, a row that is there no more has vanished. This reads no messages; the rows of the days asked for are counted.

--deep reads the request topics, those that deployments have of their own among them, up to the end they have now, computes each request's prediction id and asks the
ledger how it ended; what is missing is listed with its id. Requests over HTTP are on no topic: their answers are, and each must be in the ledger.
--recompute lets the ledger load the artifacts that answered and feed them the features as used; trace --recompute does it with one.
Exit code 0: the books balance; 1: something is missing or has vanished, or an answer computed again is another one.

Examples:
  npx throughline audit
  npx throughline audit --from 7d --json
  npx throughline audit --recompute 100
  npx throughline audit --deep --settle 30`)
    .action(async ({ from, to, settle, deep: isDeep, recompute, json: isJson }: Options) => {
      const config = readConfig(process.env);
      const deep = isDeep === true ? await audit(config, settle * 1000, new Progress()) : undefined;
      const hours = await auditHours(config, { fromMs: from, toMs: to }, settle * 1000, new Progress());
      const recomputed = recompute === undefined ? undefined : await recomputeSample(config.LEDGER_URL, recompute, new Progress());
      const balanced = hours.balanced && deep?.balanced !== false && (recomputed?.different.length ?? 0) === 0;
      if (isJson === true) process.stdout.write(`${JSON.stringify({ ...(deep === undefined ? hours : { ...deep, balanced, hours }), ...(recomputed === undefined ? {} : { recomputed }) }, bigintAsNumber, 2)}\n`);
      else process.stdout.write(`${[renderHours(hours, deep !== undefined), ...(deep === undefined ? [] : ['', 'By id', renderDeep(deep)]), ...(recomputed === undefined ? [] : ['', renderRecomputed(recomputed)])].join('\n')}\n`);
      process.exitCode = balanced ? 0 : 1;
    });
}

const bigintAsNumber = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

const renderHours = (books: HourlyBooks, isDeep: boolean): string => [...hourTables(books).flatMap((rows) => [table(rows), '']), ...hourSentences(books, isDeep)].join('\n');

function renderDeep({ balanced, missingRequests, outcomes, http, ...books }: AuditReport): string {
  const lines = [
    table([['Requests on Kafka', books.requests - http], ['Requests over HTTP', http], ['  scored', books.scored], ['  fallback', books.fallback], ['  rejected', books.rejected], ['  in flight', books.inFlight], ['  missing', books.missing],
      ['Outcomes in the ledger', outcomes.outcomes], ['  predictions joined', outcomes.joined], ['  predictions pending', outcomes.pending], ['  outcomes unmatched', outcomes.unmatched]]),
    '', balanced ? 'The books balance.' : `The books do not balance: ${books.missing} missing.`,
  ];
  if (missingRequests.length > 0) {
    lines.push('', table([['prediction', 'place on Kafka', 'source', 'id'], ...missingRequests.map(({ predictionId: id, topic, partition, offset, source, id: requestId }) => [id, `${topic}/${partition}/${offset}`, source, requestId])]));
  }
  if (missingRequests.length < books.missing) lines.push(`… and ${books.missing - missingRequests.length} more`);
  return lines.join('\n');
}
