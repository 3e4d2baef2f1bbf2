import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { inTransaction } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import type { HashKey } from '../privacy/domain/hashing.js';
import { HashKeys } from '../privacy/hash-keys.js';
import { limitStatementTime, tooSlowSays } from '../store/statement-time.js';
import { FINGERPRINT_CONTEXT, fingerprintOf } from './domain/entity.js';
import { NAMED_BY_QUERIES } from './erase-batch.js';
import { EntityRoles } from './entity-roles.js';
import { Erasures, type ErasureRow } from './erasures.js';
import { holds, Parameters } from './holding.js';

/** What a query over the ledger says at this moment. */
export interface Proof {
  readonly checkedAt: Date;
  /** Rows that still hold the entity, by table; all zero when it is forgotten. */
  readonly holding: Readonly<Record<string, number>>;
  /** Rows that are marked as erased and still hold values, whoever they were about. */
  readonly erasedWithValues: number;
  readonly isErased: boolean;
  /** For `psql -v entity=…`, by somebody who does not take the ledger's word for it. */
  readonly sql: string;
}

const PROOF_MS = 30_000;
const HASH_BLOCK_BYTES = 64;

/** Proves by queries that an entity is forgotten, now and not when it was erased. */
@Injectable()
export class Proofs {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(HashKeys) private readonly keys: HashKeys,
    @Inject(EntityRoles) private readonly roles: EntityRoles,
    @Inject(Erasures) private readonly erasures: Erasures,
  ) {}

  /**
   * @param entityId lets the indexes be used; without it every row's entities are fingerprinted and compared
   * @throws ContractError `invalid_request` when the erasure was of somebody else, `query_too_slow` when every row had to be looked at and they are too many
   */
  async prove(id: string, entityId?: string): Promise<Proof> {
    const row = await this.erasures.row(id);
    const key = this.keys.byId(row.key_id);
    if (key === undefined) throw new ContractError('invalid_request', `the fingerprints of erasure ${id} were made with a secret that is not among LEDGER_HASH_KEY any more`, { cure: 'Add the former secret after the present one, separated by a comma.' });
    if (entityId !== undefined && !row.fingerprints.includes(fingerprintOf(key, entityId))) throw new ContractError('invalid_request', `erasure ${id} was not of this entity`);
    const condition = entityId === undefined ? byFingerprint(row, key) : await this.byValue(row, entityId);
    const cure = 'Give the entity: POST …/proof with entityId asks the indexes.';
    return tooSlowSays(this.ask(row, condition), `proving erasure ${id} takes longer than ${PROOF_MS / 1000} s`, cure);
  }

  private ask(row: ErasureRow, condition: Condition): Promise<Proof> {
    return inTransaction(this.dataSource, async (manager) => {
      await limitStatementTime(manager, PROOF_MS);
      const holding = {
        prediction: await count(manager, 'prediction p', [condition.ofRows, inScope(row)]),
        prediction_shadow: await count(manager, 'prediction_shadow p', [condition.ofRows, inScope(row)]),
        correlation: await count(manager, 'correlation c', [condition.ofCorrelations, ofModel(row, 'c')]),
        saved_query: await count(manager, 'saved_query q', [(parameters) => NAMED_BY_QUERIES.map((text) => condition.isEntity(text, parameters)).join(' OR ')]),
      };
      const erasedWithValues = await leftovers(manager);
      return { checkedAt: new Date(), holding, erasedWithValues, isErased: row.state === 'done' && Object.values(holding).every((rows) => rows === 0) && erasedWithValues === 0, sql: auditorsSql(row) };
    });
  }

  private async byValue({ entity_role: role }: ErasureRow, entityId: string): Promise<Condition> {
    const forms = this.keys.formsOf(entityId);
    const roles = await this.roles.all();
    return {
      isEntity: (text, parameters) => `${text} = ANY(${parameters.add(forms, 'text[]')})`,
      ofRows: (parameters) => holds({ forms, role: role ?? undefined }, roles, parameters),
      ofCorrelations: (parameters) => `c.entity_id = ANY(${parameters.add(forms, 'text[]')}) AND ${hasRole(role, parameters)}`,
    };
  }
}

type Clause = (parameters: Parameters) => string;
interface Condition {
  readonly isEntity: (text: string, parameters: Parameters) => string;
  readonly ofRows: Clause;
  readonly ofCorrelations: Clause;
}

/** HMAC-SHA256 in the database's own words (RFC 2104): the secret travels as two padded blocks and is never stored. */
function byFingerprint({ fingerprints, entity_role: role }: ErasureRow, key: HashKey): Condition {
  const block = Buffer.alloc(HASH_BLOCK_BYTES);
  (key.secret.length > HASH_BLOCK_BYTES ? createHash('sha256').update(key.secret).digest() : key.secret).copy(block);
  const is = (text: string, parameters: Parameters): string => {
    const [inner, outer] = [0x36, 0x5c].map((pad) => parameters.add(block.map((byte) => byte ^ pad), 'bytea'));
    return `encode(sha256(${outer} || sha256(${inner} || convert_to(${parameters.add(FINGERPRINT_CONTEXT, 'text')} || ${text}, 'UTF8'))), 'hex') = ANY(${parameters.add(fingerprints, 'text[]')})`;
  };
  return {
    isEntity: is,
    ofRows: (parameters) => {
      const named = role === null ? 'true' : `e.key = ${parameters.add(role, 'text')}`;
      const isOther = role === null ? '' : ` AND NOT coalesce(p.entities ? ${parameters.add(role, 'text')}, false)`;
      return `(EXISTS (SELECT FROM jsonb_each_text(p.entities) e WHERE ${named} AND ${is('e.value', parameters)}) OR (${is('p.routing_key', parameters)}${isOther}))`;
    },
    ofCorrelations: (parameters) => `${is('c.entity_id', parameters)} AND ${hasRole(role, parameters)}`,
  };
}

const hasRole = (role: string | null, parameters: Parameters): string => (role === null ? 'true' : `c.entity_role = ${parameters.add(role, 'text')}`);
const ofModel = ({ model }: ErasureRow, alias: string): Clause => (parameters) => (model === null ? 'true' : `${alias}.model = ${parameters.add(model, 'text')}`);
const inScope = (row: ErasureRow): Clause => (parameters) => `p.requested_at <= ${parameters.add(row.requested_at)} AND ${ofModel(row, 'p')(parameters)}`;

async function count(manager: EntityManager, from: string, clauses: readonly Clause[]): Promise<number> {
  const parameters = new Parameters();
  const where = clauses.map((clause) => clause(parameters)).join(' AND ');
  const [row]: { count: number }[] = await manager.query(`SELECT count(*)::float8 AS count FROM ${from} WHERE ${where}`, parameters.values);
  return (row as { count: number }).count;
}

const HAS_VALUES = `p.erased_at IS NOT NULL AND (length(p.features) > 0 OR p.feature_extras IS NOT NULL OR p.entities IS NOT NULL OR p.routing_key IS NOT NULL OR p.request_id <> '' OR p.outputs <> '{}'::jsonb)`;
const HAS_TEXT = `p.erased_at IS NOT NULL AND jsonb_typeof(o.value) = 'string' AND o.value <> '""'::jsonb`;

async function leftovers(manager: EntityManager): Promise<number> {
  const [row]: { count: number }[] = await manager.query(
    `SELECT ((SELECT count(*) FROM prediction p WHERE ${HAS_VALUES}) + (SELECT count(*) FROM prediction_shadow p WHERE ${HAS_VALUES})
      + (SELECT count(*) FROM prediction p JOIN outcome o ON o.subject_id = p.prediction_id WHERE ${HAS_TEXT}))::float8 AS count`);
  return (row as { count: number }).count;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The same questions in plain SQL, with the entity as a variable of psql. Hashed forms are asked for as further entities. */
function auditorsSql({ entity_role: role, model, requested_at: until }: ErasureRow): string {
  const named = role === null ? '' : ` AND e.key = ${quoted(role)}`;
  const scope = `p.requested_at <= ${quoted(until.toISOString())}${model === null ? '' : ` AND p.model = ${quoted(model)}`}`;
  const isOther = role === null ? '' : ` AND NOT coalesce(p.entities ? ${quoted(role)}, false)`;
  const rows = (table: string): string =>
    `SELECT ${quoted(table)} AS "table", count(*) FROM ${table} p WHERE ${scope} AND (EXISTS (SELECT FROM jsonb_each_text(p.entities) e WHERE e.value = :'entity'${named}) OR (p.routing_key = :'entity'${isOther}))`;
  const correlations = `SELECT 'correlation', count(*) FROM correlation c WHERE c.entity_id = :'entity'${role === null ? '' : ` AND c.entity_role = ${quoted(role)}`}${model === null ? '' : ` AND c.model = ${quoted(model)}`}`;
  return `${[rows('prediction'), rows('prediction_shadow'), correlations].join(' UNION ALL ')};`;
}
