import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, it } from 'vitest';
import { install, type Installation } from '../testing/installation.js';

let home: Installation;

beforeAll(async () => {
  home = await install();
  await home.startLedger();
});
afterAll(() => home.close());

it('a rebuild of which a page cannot be told keeps those of other models from nothing, and goes on when it can', async () => {
  await home.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$`);
  await home.sql(`CREATE TRIGGER refuse BEFORE UPDATE ON rebuild FOR EACH ROW WHEN (NEW.model = 'refused') EXECUTE FUNCTION refuse()`);
  await home.sql(`INSERT INTO rebuild (rebuild_id, model, period_from, period_to, total, requested_at) VALUES
    (gen_random_uuid(), 'refused', '2001-01-01Z', '2001-02-01Z', 0, now()), (gen_random_uuid(), 'after', '2001-01-01Z', '2001-02-01Z', 0, now() + interval '1 second')`);
  const finished = (model: string) => eventually(model, async () => (await home.sql(`SELECT FROM rebuild WHERE model = $1 AND status = 'finished'`, [model])).length === 1, 20_000);
  await finished('after');
  await home.sql('DROP FUNCTION refuse CASCADE');
  await finished('refused');
});
