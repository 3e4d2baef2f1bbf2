import type { ModelSignature, ServedVersion } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { planColumns } from './column-plan.js';
import type { Column } from './rows.js';

const columns = (...names: string[]): Column[] => names.map((name) => ({ name, type: 'STRING' }));
const served = (signature: Partial<ModelSignature>): ServedVersion => ({
  version: '3', artifactSha256: '0'.repeat(64), sizeBytes: 1,
  signature: { inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }], outputs: [], task: 'other', features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }], ...signature },
});
const noOptions = { entities: {} };
const failing = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('which column is what', () => {
  it('columns are features by name; all are carried through unless some are named', () => {
    const plan = planColumns(columns('flight', 'distance', 'hour'), served({}), noOptions);
    expect(plan).toMatchObject({ features: [{ name: 'hour', index: 2, datatype: 'FP32' }, { name: 'distance', index: 1 }], carried: [0, 1, 2], needed: new Set(['hour', 'distance']) });
    expect(planColumns(columns('flight', 'distance', 'hour'), served({}), { ...noOptions, columns: ['flight'], routingKey: 'flight' })).toMatchObject({ carried: [0], routingKey: 0, needed: new Set(['hour', 'distance', 'flight']) });
  });

  it('each feature has the datatype of its tensor', () => {
    const inputs = [{ name: 'distance', datatype: 'INT64', shape: [-1, 1] }, { name: 'hour', datatype: 'BYTES', shape: [-1, 1] }];
    expect(planColumns(columns('hour', 'distance'), served({ inputs }), noOptions).features).toMatchObject([{ name: 'hour', datatype: 'BYTES' }, { name: 'distance', datatype: 'INT64' }]);
  });

  it('a missing feature is named with what is expected and what is there', () => {
    expect(failing(() => planColumns(columns('Hour', 'distance'), served({}), noOptions))).toMatchObject({ code: 'feature_missing', message: 'the input has no column for “hour”; it has: Hour, distance', cure: expect.stringContaining('(hour, distance)') });
  });

  it('a feature may come from elsewhere: a default, or the feature store, whose entity must be said', () => {
    const from = { view: 'v', viewVersion: 1, feature: 'f', entityRole: 'origin' };
    const stored = served({ features: [{ name: 'hour', kind: 'numeric', default: 0 }, { name: 'traffic', kind: 'numeric', from }], entities: { origin: 'airport' } });
    expect(failing(() => planColumns(columns('airport'), stored, noOptions))).toMatchObject({ code: 'feature_missing', cure: expect.stringContaining('--entity origin=COLUMN') });
    expect(planColumns(columns('airport'), stored, { entities: { origin: 'airport' } })).toMatchObject({ features: [], entities: [{ role: 'origin', index: 0 }] });
    expect(planColumns(columns('traffic'), stored, noOptions).features).toMatchObject([{ name: 'traffic' }]);
    expect(failing(() => planColumns(columns('airport', 'traffic'), stored, { entities: { destination: 'airport' } }))).toMatchObject({ code: 'invalid_request', cure: 'Its roles: origin.' });
  });

  it.each([[{ routingKey: 'x' }, '--routing-key'], [{ occurredAt: 'x' }, '--occurred-at'], [{ idColumn: 'x' }, '--id-column'], [{ columns: ['x'] }, '--columns'], [{ entities: { origin: 'x' } }, '--entity origin']])(
    'an option that names no column is refused in its own name: %o', (option, name) => {
      expect(failing(() => planColumns(columns('hour', 'distance'), served({}), { ...noOptions, ...option }))).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(`${name} names the column “x”`) });
    },
  );
});
