import { Inject, Injectable } from '@nestjs/common';
import type { ModelDeployment, OutcomeDeclaration } from '@throughline/contracts';
import { query, storable } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { timestamp } from '../../store/rows.js';
import { declare, type Declared } from '../domain/declaration.js';

interface DeclarationRow {
  readonly model: string;
  readonly revision: string;
  readonly declaration: OutcomeDeclaration | null;
}

/** A model that was taken away and made again begins with revision 1, so what was decided last counts. */
const UPSERT = `INSERT INTO outcome_declaration (model, revision, declaration, updated_at) VALUES ($1, $2, $3, $4)
  ON CONFLICT (model) DO UPDATE SET revision = excluded.revision, declaration = excluded.declaration, updated_at = excluded.updated_at
  WHERE excluded.updated_at >= outcome_declaration.updated_at RETURNING model`;

/** What every model declares of its outcomes, as its newest deployment says; of a model that is no longer deployed, as its last one said. */
@Injectable()
export class Declarations {
  private readonly byModel = new Map<string, Declared>();

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** What was learned in earlier lives; before anything is learned in this one. */
  async load(): Promise<void> {
    const rows = await query<DeclarationRow>(this.dataSource, 'SELECT model, revision, declaration FROM outcome_declaration');
    for (const { model, revision, declaration } of rows) this.remember(model, Number(revision), declaration ?? undefined);
  }

  async learn({ model, revision, outcome, updatedAt }: ModelDeployment): Promise<void> {
    const taken = await query(this.dataSource, UPSERT, [model, revision, outcome === undefined ? null : JSON.stringify(storable(outcome)), timestamp(Date.parse(updatedAt) || 0)]);
    if (taken.length > 0) this.remember(model, revision, outcome);
  }

  of(model: string): Declared | undefined {
    return this.byModel.get(model);
  }

  /** Every model that declares something. */
  all(): ReadonlyMap<string, Declared> {
    return this.byModel;
  }

  private remember(model: string, revision: number, declaration: OutcomeDeclaration | undefined): void {
    if (declaration === undefined) return void this.byModel.delete(model);
    const declared = declare(declaration, revision);
    if (declared.fault !== undefined) this.logger.warn({ model, revision, fault: declared.fault }, 'the declaration of outcomes cannot be used: every outcome of the model becomes a dead letter');
    this.byModel.set(model, declared);
  }
}
