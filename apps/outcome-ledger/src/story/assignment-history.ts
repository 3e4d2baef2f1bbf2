import type { OnApplicationBootstrap, BeforeApplicationShutdown } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { Rounds } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import type { Assignments } from './assignments.js';
import { assignmentOfLine, type HistoryLine } from './domain/assignment.js';
import type { RegistryReader } from './registry-reader.js';

const EVERY_MS = 2_000;
/** Until the registry is asked again of a model of which it could not say all. */
const PATIENCE_MS = 60_000;
const MODELS_A_ROUND = 20;

/**
 * Asks the registry for what deployments do not say, who decided them and why, and for the revisions that were gone from the compacted topic before the
 * ledger read it. In the background: a story waits for nobody.
 */
export class AssignmentHistory implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;
  /** Of those that are not complete: when, and what was the newest revision then. */
  private readonly asked = new Map<string, { readonly newest: string; readonly atMs: number }>();

  constructor(
    private readonly assignments: Assignments,
    private readonly registry: RegistryReader,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(EVERY_MS, () => this.complete(performance.now()), (error) => this.logger.debug({ err: error }, 'the history of deployments could not be completed'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  private async complete(nowMs: number): Promise<void> {
    const incomplete = await this.assignments.incomplete();
    const due = incomplete.filter(({ model, newest }) => {
      const asked = this.asked.get(model);
      return asked === undefined || asked.newest !== newest || asked.atMs + PATIENCE_MS <= nowMs;
    });
    for (const { model, newest } of due.slice(0, MODELS_A_ROUND)) {
      const lines = await this.history(model);
      await this.assignments.remember(model, lines.map(assignmentOfLine));
      this.asked.set(model, { newest, atMs: nowMs });
    }
    const isIncomplete = new Set(incomplete.map(({ model }) => model));
    for (const model of this.asked.keys()) if (!isIncomplete.has(model)) this.asked.delete(model);
  }

  private async history(model: string): Promise<HistoryLine[]> {
    try {
      return await this.registry.get<HistoryLine[]>(`/registry/v1/models/${encodeURIComponent(model)}/deployment/history`);
    } catch (thrown) {
      if (thrown instanceof ContractError && thrown.code === 'not_found') return [];
      throw thrown;
    }
  }
}
