import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { apiSchema } from '@throughline/http';
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';

const ENTITY = { example: 'customer-4711', description: 'id of the entity, as requests name it' };

export class ErasureBody {
  @ApiProperty(ENTITY) @IsString() @IsNotEmpty() @MaxLength(1000)
  entityId!: string;

  @ApiPropertyOptional({ example: 'customer', description: 'only where it has this role; without it in any role, and as a routing key' }) @IsOptional() @IsString() @IsNotEmpty() @MaxLength(200)
  entityRole?: string;

  @ApiPropertyOptional({ example: 'flight-delay', description: 'only predictions of this model' }) @IsOptional() @IsString() @IsNotEmpty() @MaxLength(200)
  model?: string;

  @ApiProperty({ example: 'request of the data subject, ticket 17', description: 'stays on record: do not name the entity' }) @IsString() @IsNotEmpty() @MaxLength(1000)
  reason!: string;
}

export class ProofBody {
  @ApiProperty(ENTITY) @IsString() @IsNotEmpty() @MaxLength(1000)
  entityId!: string;
}

const ID = '6f1c1f3e-6f0c-4e7a-9d3b-0f2a5f0f6c11';
const count = { type: 'integer', minimum: 0 };
const instant = { type: 'string', format: 'date-time' };
const object = (properties: Record<string, object>): { type: string; required: string[]; properties: Record<string, object> } => ({ type: 'object', required: Object.keys(properties), properties });

const properties = {
  erasureId: { type: 'string', format: 'uuid' }, state: { type: 'string', enum: ['running', 'done'] }, entityRole: { type: ['string', 'null'] }, model: { type: ['string', 'null'] },
  reason: { type: 'string' }, requestedBy: { type: 'string' }, requestedAt: instant, finishedAt: { ...instant, type: ['string', 'null'] },
  erased: { ...object({ predictions: count, shadows: count, outcomes: count, correlations: count, messages: count, queries: count }), description: 'rows whose values were removed so far' },
};
const EXAMPLE = {
  erasureId: ID, state: 'done', entityRole: 'customer', model: null, reason: 'ticket 17', requestedBy: 'key:privacy', requestedAt: '2026-11-21T09:00:00.000Z', finishedAt: '2026-11-21T09:00:01.000Z',
  erased: { predictions: 12, shadows: 3, outcomes: 7, correlations: 0, messages: 0, queries: 0 },
};
const PROOF_PROPERTIES = {
  checkedAt: instant, holding: { type: 'object', additionalProperties: count, description: 'rows that still hold the entity, by table' },
  erasedWithValues: { ...count, description: 'rows marked as erased that still hold values, whoever they were about' }, isErased: { type: 'boolean' },
  sql: { type: 'string', description: 'for psql -v entity=…, within the ledger’s schema' },
};
const PROOF_EXAMPLE = {
  checkedAt: '2026-11-28T09:00:00.000Z', holding: { prediction: 0, prediction_shadow: 0, correlation: 0, saved_query: 0 }, erasedWithValues: 0, isErased: true,
  sql: "SELECT 'prediction' AS \"table\", count(*) FROM prediction p WHERE …;",
};

export const ERASURE = apiSchema({ ...object(properties), example: EXAMPLE });
export const ERASURES = apiSchema({ ...object({ erasures: { type: 'array', items: object(properties) } }), example: { erasures: [EXAMPLE] } });
export const PROOF = apiSchema({ ...object(PROOF_PROPERTIES), example: PROOF_EXAMPLE });
export const PROVEN = apiSchema({ ...object({ ...properties, proof: object(PROOF_PROPERTIES) }), example: { ...EXAMPLE, proof: PROOF_EXAMPLE } });
