import { decodeEvent, predictionId } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { FEATURES, requestSource, STORED_FEATURES } from './requests.ts';

const decoded = (kind: Parameters<typeof requestSource>[0], index: number) => {
  const { key, value, headers } = requestSource(kind)(index);
  const event = decodeEvent('prediction.requested.v1', { topic: 'prediction.requested.v1', partition: 0, offset: '0', timestampMs: 0, key: Buffer.from(key), value: Buffer.from(value), headers });
  if (!event.ok) throw new Error(event.reason);
  return event;
};

describe('the load', () => {
  it('is requests as the contract wants them', () => {
    expect(Object.keys(decoded('all-features', 0).data.features!)).toHaveLength(FEATURES);
    const stored = decoded('stored-features', 0).data;
    expect(Object.keys(stored.features!)).toHaveLength(FEATURES - STORED_FEATURES);
    expect(stored.entities).toEqual({ subject: 'customer-0' });
  });

  it('never asks twice under one identity, although values repeat', () => {
    const [first, later] = [decoded('all-features', 7), decoded('all-features', 1007)];
    expect(later.data).toEqual(first.data);
    expect(predictionId(later.source, later.id)).not.toBe(predictionId(first.source, first.id));
  });
});
