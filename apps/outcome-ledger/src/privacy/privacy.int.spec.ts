import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { encodeEvent } from '@throughline/contracts';
import { eventually } from '@throughline/testing';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const SECRET = 'a secret that nobody would ever guess';
const CUSTOMER = 'customer-4711';
const POLICY = { features: { hour: 'omit', distance: 'hash' }, entities: { customer: 'hash', shop: 'omit' }, routingKey: 'hash', requestId: 'hash' } as const;
const ENTITIES = { customer: CUSTOMER, shop: 'shop-0815', origin: 'SFO' };
let home: Installation;
let ledger: RunningService;

const start = async (policy: NonNullable<Parameters<typeof deployment>[0]>, env: NodeJS.ProcessEnv): Promise<void> => {
  home = await install(env);
  await home.publish('model.deployment.v1', [{ data: deployment(policy) }]);
  ledger = await home.startLedger();
};
beforeAll(() => start({ privacy: POLICY }, { LEDGER_HASH_KEY: SECRET }));
afterAll(() => home.close());

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are plain JSON
const get = async (path: string): Promise<any> => (await fetch(`${ledger.url}${path}`)).json();
const story = (requestId: string) => eventually(requestId, async () => {
  const told = await get(`/ledger/v1/predictions/${idOf(requestId)}`);
  return told.request !== undefined && told;
});
/** Everything that the ledger has written down, in every table, as text. */
async function everything(): Promise<string> {
  const tables = await home.sql<{ name: string }>(`SELECT quote_ident(relname) AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema()::regnamespace`);
  const texts = await Promise.all(tables.map(({ name }) => home.sql<{ text: string | null }>(`SELECT string_agg(t::text, '\n') AS text FROM ${name} t`)));
  return texts.map(([row]) => row?.text ?? '').join('\n');
}

it('a message that the database refuses is a dead letter whose headers say which table and rule refused it, and nothing that the database quotes of it', async () => {
  await home.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'will not take %', NEW.event_source USING TABLE = 'outcome', CONSTRAINT = 'no_strangers', DETAIL = NEW.event_source; END $$`);
  await home.sql(`CREATE TRIGGER refuse BEFORE INSERT ON outcome FOR EACH ROW WHEN (NEW.source = 'stranger') EXECUTE FUNCTION refuse()`);
  await home.bus.producer.send({ topic: 'outcome.observed.v1', key: 'o', ...encodeEvent('outcome.observed.v1', { id: 'o', source: '/home-of-jane-doe', timeMs: Date.now(), data: outcome('unknown', { source: 'stranger' }) }) });
  const letter = await eventually('the letter', async () => (await home.deadLetters()).find(({ value }) => value?.toString().includes('stranger')));
  const { 'dead-letter-code': code, 'dead-letter-reason': reason, ...others } = letter.headers;
  expect([code, reason].map(String)).toEqual(['poison', 'PostgreSQL refused the statement: P0001, table outcome, constraint no_strangers']);
  expect(Object.values(others).join()).not.toContain('jane-doe');
  await home.sql('DROP TRIGGER refuse ON outcome');
});

it('what a policy hashes or leaves out is nowhere in the ledger, of answers, shadows and rejections alike, and their outcomes are told with what is kept', async () => {
  const secret = { requestId: 'order-99', routingKey: CUSTOMER, entities: ENTITIES, features: { values: [31337.5, 'Elm Street 5', 0.5] } };
  await home.publish('prediction.shadowed.v1', [{ data: { ...scored('order-99', { ...secret, version: '2', role: 'shadow' }) } }]);
  await home.publish('prediction.scored.v1', [{ data: scored('order-99', secret) }]);
  await home.publish('prediction.rejected.v1', [{ data: rejected('order-98', { routingKey: CUSTOMER, entities: ENTITIES }) }]);
  await home.publish('outcome.observed.v1', [{ data: outcome('order-99') }]);
  const told = await story('order-99');
  expect(told.request).toMatchObject({ id: expect.stringMatching(/^hmac:/), routingKey: expect.stringMatching(/^hmac:/), entities: { origin: 'SFO', customer: expect.stringMatching(/^hmac:/) } });
  expect(told.request.entities.customer).toBe(told.request.routingKey);
  expect(told.request.entities).not.toHaveProperty('shop');
  expect(told.features.map(({ value }: { value: unknown }) => value)).toEqual([null, expect.stringMatching(/^hmac:/), 0.5]);
  await story('order-98');
  const [joined] = await eventually('the join', async () => {
    const events = await home.read('outcome.joined.v1');
    return events.length > 0 && events;
  });
  expect(joined?.data).toMatchObject({ entities: told.request.entities, routingKey: told.request.routingKey, requestId: told.request.id });
  await eventually('the shadow', async () => (await home.sql('SELECT FROM prediction_shadow')).length === 1);
  const all = await everything();
  for (const value of [CUSTOMER, 'shop-0815', '31337', 'Elm Street', 'order-99', 'order-98']) expect(all, value).not.toContain(value);
  expect(await home.sql('SELECT is_withheld FROM prediction_shadow')).toEqual([{ is_withheld: true }]);
});

it('an outcome that names a hashed entity by its value meets its prediction, and leaves the value nowhere', async () => {
  await home.publish('prediction.scored.v1', [{ data: scored('c-1', { entities: { customer: 'customer-2' } }) }]);
  await story('c-1');
  const correlationKey = { model: 'flight-delay', entityRole: 'customer', entityId: 'customer-2', from: '2001-02-03T00:00:00Z', to: '2001-02-04T00:00:00Z' };
  const { predictionId: _, ...rest } = outcome('c-1');
  await home.publish('outcome.observed.v1', [{ data: { ...rest, correlationKey } }]);
  await eventually('the join', async () => (await get(`/ledger/v1/predictions/${idOf('c-1')}`)).outcome?.value === true);
  expect(await everything()).not.toContain('customer-2');
});

it('a prediction that overtakes the deployment whose policy it is under waits for it', async () => {
  await home.publish('prediction.scored.v1', [{ data: scored('early', { assignmentRevision: 2, entities: { customer: 'x', gate: 'B7-early' } }) }]);
  await home.publish('model.deployment.v1', [{ data: deployment({ revision: 2, privacy: { ...POLICY, entities: { gate: 'omit', ...POLICY.entities } } }) }]);
  expect((await story('early')).request.entities).not.toHaveProperty('gate');
});

it('so does one of a model that the ledger has never heard of', async () => {
  await home.publish('prediction.scored.v1', [{ data: scored('newborn', { model: 'newborn', entities: { customer: CUSTOMER, gate: 'B8-early' } }) }]);
  await home.publish('model.deployment.v1', [{ data: deployment({ model: 'newborn', privacy: { entities: { gate: 'omit' } } }) }]);
  expect((await story('newborn')).request.entities).toEqual({ customer: CUSTOMER });
});

it('a policy holds after a restart; without a secret what is to be hashed is left out', async () => {
  await ledger.close();
  const { LEDGER_HASH_KEY: _, ...env } = home.env;
  ledger = await home.startLedger(env);
  await home.publish('prediction.scored.v1', [{ data: scored('later', { routingKey: CUSTOMER, entities: ENTITIES, assignmentRevision: 2 }) }]);
  const { request } = await story('later');
  expect(request).toMatchObject({ id: '', entities: { origin: 'SFO' } });
  expect(request).not.toHaveProperty('routingKey');
});
