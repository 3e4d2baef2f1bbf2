import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runRegistry } from './testing/harness.js';

const ROWS = 1200;
const rows = Array.from({ length: ROWS }, (_, row) => ({ distance: (row * 37) % 1000, hour: row % 24, score: ((row * 7) % 100) / 100 }));
const CSV = `distance,hour,score\n${rows.map(({ distance, hour, score }) => `${distance},${hour},${score}`).join('\n')}\n`;
const JSON_LINES = rows.map((row) => JSON.stringify(row)).join('\n');

const { installation, registry } = await runRegistry({ REGISTRY_MAX_REFERENCE_BYTES: '1000000' });

describe('a reference', () => {
  it('freezes a baseline of every feature and the score, which travels with the deployment', async () => {
    expect(await registry.upload('baseline', { reference: CSV })).toMatchObject({ status: 201, body: { hasBaseline: true } });
    const { body } = await registry.get('/models/baseline/versions/1');
    expect(body.baselineProfile).toMatchObject({ rowCount: ROWS, features: { distance: { kind: 'numeric' }, hour: { kind: 'numeric' } }, outputs: { score: { kind: 'numeric' } } });
    expect(body.baselineProfile.features.hour.counts.reduce((sum: number, count: number) => sum + count, 0)).toBe(ROWS);
    await registry.put('/models/baseline/aliases/champion', { version: '1' });
    const [event] = await installation.deploymentEvents((events) => events.length > 0);
    expect(event?.champion?.baselineProfile).toEqual(body.baselineProfile);
  });

  it('gives the same profile in another format', async () => {
    await registry.upload('formats', { reference: CSV });
    await registry.upload('formats', { reference: JSON_LINES });
    const [csv, jsonLines] = await Promise.all(['1', '2'].map(async (version) => (await registry.get(`/models/formats/versions/${version}`)).body.baselineProfile));
    expect(jsonLines).toEqual(csv);
  });

  it('is part of what makes an upload the same', async () => {
    const answers = [await registry.upload('same'), await registry.upload('same', { reference: CSV }), await registry.upload('same', { reference: CSV }), await registry.upload('same')];
    expect(answers.map(({ status, body }) => [status, body.version])).toEqual([[201, '1'], [201, '2'], [200, '2'], [200, '1']]);
  });

  it.each([
    ['without a feature', 'distance,score\n1,0.5\n', 400, 'invalid_request', /reference: it lacks the column\(s\) “hour”/],
    ['without the score', 'distance,hour\n1,2\n', 400, 'invalid_request', /lacks the column\(s\) “score”/],
    ['with text where a number belongs', 'distance,hour,score\n1,noon,0.5\n', 400, 'invalid_request', /row 1: “hour” is not a number/],
    ['that is no data', 'PAR1garbage', 400, 'invalid_request', /not valid Parquet/],
    ['above the limit', 'x'.repeat(1_000_001), 413, 'artifact_too_large', /reference has more than 1000000 bytes/],
  ])('%s is refused, and no version comes of it', async (_, reference, status, code, reason) => {
    expect(await registry.upload('refused', { reference })).toMatchObject({ status, body: { code, detail: expect.stringMatching(reason), cure: expect.stringMatching(/\w/) } });
    expect((await registry.get('/models/refused')).status).toBe(404);
    expect(await readdir(join(installation.home, 'artifacts', 'incoming'))).toEqual([]);
  });
});
