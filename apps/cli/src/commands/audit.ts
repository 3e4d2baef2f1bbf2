import type { Command } from 'commander';
import { wholeNumber } from '../arguments.js';
import { audit, type AuditReport } from '../audit/audit.js';
import { readConfig } from '../config.js';
import { Progress, table } from '../terminal.js';

export function auditCommand(program: Command): void {
  program
    .command('audit')
    .description('Balance the books: every request ended as scored, fallback or rejected in the ledger, or is in flight')
    .option('--settle <seconds>', 'how long to wait for what is in flight', wholeNumber, 10)
    .option('--json', 'print the report as JSON')
    .addHelpText('after', `
Reads the request topics, those that deployments have of their own among them, up to the end they have now, computes each request's prediction id and asks the
ledger how it ended. A request the ledger does not know is in flight while the workers have not committed it or the ledger has not taken in all answers; else it
is missing, and listed with its place on Kafka. Requests over HTTP are on no topic: their answers are, and each must be in the ledger.
Exit code 0: the books balance; 1: something is missing.

Examples:
  npx throughline audit
  npx throughline audit --settle 30 --json`)
    .action(async ({ settle, json }: { settle: number; json?: boolean }) => {
      const report = await audit(readConfig(process.env), settle * 1000, new Progress());
      process.stdout.write(`${json === true ? JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value), 2) : render(report)}\n`);
      process.exitCode = report.balanced ? 0 : 1;
    });
}

function render({ balanced, missingRequests, outcomes, http, ...books }: AuditReport): string {
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
