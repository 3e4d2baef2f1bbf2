import { ContractError, type ModelDeployment, type ServedVersion } from '@throughline/contracts';
import { gradientBoostedTreesGraph, randomTreeEnsemble, sha256Hex } from '@throughline/onnx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolve } from '../domain/assignment.js';
import { hostOf, logistic, numeric, signature } from '../testing/models.js';
import { LoadedModel } from './loaded-model.js';
import { ModelSlot, type LoadFailure } from './model-slot.js';

const LIMITS = { maxBatchSize: 64, maxDelayMs: 0 };
const features = [numeric('hour'), numeric('distance')];
const artifacts = [1, 2, 3, 4].map((bias) => logistic(features, bias));
const version = (number: number): ServedVersion => ({ version: String(number), artifactSha256: sha256Hex(artifacts[number - 1]!), sizeBytes: artifacts[number - 1]!.byteLength, signature: signature(features) });
const deployment = (revision: number, more: Partial<ModelDeployment>): ModelDeployment => ({ model: 'flights', revision, updatedAt: '', challengers: [], shadows: [], ...more });

let host: ReturnType<typeof hostOf>;
let slot: ModelSlot;
let loads: string[];
let swaps: number[];
let failures: LoadFailure[];
/** Versions whose load waits until it is let go on, or fails. */
let gates: Map<string, Promise<void>>;

beforeEach(() => {
  host = hostOf(artifacts);
  [loads, swaps, failures, gates] = [[], [], [], new Map()];
});

afterEach(async () => {
  slot.close();
  host.memory.close();
  await host.loader.close();
});

async function serve(first: ModelDeployment): Promise<void> {
  slot = new ModelSlot(first, {
    load: async ({ model }, served) => {
      loads.push(served.version);
      await gates.get(served.version);
      return LoadedModel.load(model, served, LIMITS, host);
    },
    onFailure: (failure) => failures.push(failure),
    onSwap: ({ revision }) => swaps.push(revision),
    onChange: () => undefined,
    limitsOf: () => LIMITS,
  });
  await slot.settled();
}

const champion = (): string | undefined => slot.serving.champion?.version;
const untilServed = (revision: number) => expect.poll(() => slot.serving.revision, { timeout: 5_000 }).toBe(revision);
const untilWarm = (...versions: string[]) => expect.poll(() => slot.report.warm.toSorted(), { timeout: 5_000 }).toEqual(versions);
const never = new Promise<void>(() => undefined);

describe('a standby', () => {
  it('is warm, answers whoever pins it and nobody else', async () => {
    await serve(deployment(1, { champion: version(1), standbys: [version(2)] }));
    await untilWarm('1', '2');
    expect(resolve(slot.serving, 'flights', undefined, 'any key')).toMatchObject({ role: 'champion', served: { version: '1' } });
    expect(resolve(slot.serving, 'flights', '2')).toMatchObject({ role: 'pinned', served: { version: '2' } });
  });

  it('becomes champion in the very moment its deployment arrives, and back likewise, with nothing loaded again', async () => {
    await serve(deployment(1, { champion: version(1), standbys: [version(2)] }));
    await untilWarm('1', '2');
    for (let revision = 2; revision < 10; revision++) {
      const [now, standby] = revision % 2 === 0 ? [2, 1] : [1, 2];
      slot.update(deployment(revision, { champion: version(now), standbys: [version(standby)] }));
      expect([champion(), slot.serving.revision]).toEqual([String(now), revision]);
    }
    expect(loads).toEqual(['1', '2']);
  });

  it('that does not load keeps nobody from serving, is tried again, and its fault is told', async () => {
    gates.set('2', Promise.reject(new ContractError('artifact_golden_mismatch', 'row 0 is wrong')));
    gates.get('2')!.catch(() => undefined);
    await serve(deployment(1, { champion: version(1), standbys: [version(2)] }));
    await expect.poll(() => slot.report).toEqual({ revision: 1, warm: ['1'], cold: [{ version: '2', code: 'artifact_golden_mismatch', reason: 'row 0 is wrong' }] });
    gates.delete('2');
    await untilWarm('1', '2');
    expect(slot.report.cold).toEqual([]);
    expect(swaps).toEqual([1]);
  });

  it('stays in memory when there is no room for all, and an idle champion leaves instead', { timeout: 30_000 }, async () => {
    const wide = Array.from({ length: 8 }, (_, index) => numeric(`f${index}`));
    const large = [1, 2].map((seed) => gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 200, depth: 6, features: 8, seed })));
    host.memory.close();
    await host.loader.close();
    // A graph takes about 9 MB, and on its first way in the room of a thread besides.
    host = hostOf([...artifacts, ...large], { maxBytes: 70e6, inlineMaxBatchMs: Infinity, inlineMaxLoadMs: Infinity });
    const [heavy, other] = large.map((artifact, index): ServedVersion => ({ version: `large ${index}`, artifactSha256: sha256Hex(artifact), sizeBytes: artifact.byteLength, signature: signature(wide) })) as [ServedVersion, ServedVersion];
    await serve(deployment(1, { champion: other, standbys: [heavy] }));
    await untilWarm('large 0', 'large 1');
    await host.memory.admit({ model: 'guest', isWanted: true, isBusy: true, evict: async () => undefined }, 55e6, false);
    expect(slot.report).toMatchObject({ warm: ['large 0'], cold: [{ version: 'large 1' }] });
  });
});

describe('a deployment that arrives while another one is loading', () => {
  it('is served at once when all it asks for is warm: a rollback waits for no download', async () => {
    await serve(deployment(1, { champion: version(1) }));
    gates.set('2', never);
    slot.update(deployment(2, { champion: version(2) }));
    await expect.poll(() => loads).toContain('2');
    expect(slot.serving.revision).toBe(1);
    slot.update(deployment(3, { champion: version(1) }));
    expect([champion(), slot.serving.revision]).toEqual(['1', 3]);
  });

  it('loads its own versions without waiting for those of the other', async () => {
    await serve(deployment(1, { champion: version(1) }));
    gates.set('2', never);
    slot.update(deployment(2, { champion: version(2) }));
    slot.update(deployment(3, { champion: version(3) }));
    await untilServed(3);
    expect(champion()).toBe('3');
  });

  it('joins a load that it wants too, and what nobody wants any more leaves memory', async () => {
    const { promise, resolve: open } = Promise.withResolvers<void>();
    await serve(deployment(1, { champion: version(1) }));
    gates.set('2', promise).set('3', promise);
    slot.update(deployment(2, { champion: version(2), shadows: [version(3)] }));
    await expect.poll(() => loads).toContain('2');
    slot.update(deployment(3, { champion: version(1), standbys: [version(3)] }));
    await expect.poll(() => loads).toContain('3');
    slot.update(deployment(4, { champion: version(3) }));
    open();
    await untilServed(4);
    expect(loads).toEqual(['1', '2', '3']);
    // The champion, and that of before as a spare.
    await expect.poll(() => host.memory.count).toBe(2);
  });

  it('waits for a shadow no longer than for what answers requests', async () => {
    gates.set('2', never);
    await serve(deployment(1, { champion: version(1) }));
    slot.update(deployment(2, { champion: version(1), shadows: [version(2)] }));
    expect(slot.serving.revision).toBe(2);
    expect(slot.report).toEqual({ revision: 2, warm: ['1'], cold: [{ version: '2' }] });
  });
});

it('serves the old champion, and says so, while the new one does not load', async () => {
  gates.set('2', Promise.reject(new ContractError('artifact_signature_invalid', 'not signed')));
  gates.get('2')!.catch(() => undefined);
  await serve(deployment(1, { champion: version(1) }));
  slot.update(deployment(2, { champion: version(2) }));
  await expect.poll(() => failures.length).toBeGreaterThan(0);
  expect(failures[0]).toMatchObject({ version: { version: '2' }, servedBy: '1' });
  expect(slot.report).toEqual({ revision: 1, warm: ['1'], cold: [{ version: '2', code: 'artifact_signature_invalid', reason: 'not signed' }] });
});
