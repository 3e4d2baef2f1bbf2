import { bareOnnxRowsPerSecond } from '../measure/bare-onnx.ts';
import { meanValueBytes, sampleOf } from '../measure/answers.ts';
import { startScript } from '../measure/processes.ts';
import { ratiosOf, spreadOf } from '../measure/statistics.ts';
import { throughputOf, type Throughput } from '../measure/throughput.ts';
import { count, paragraphs, ratio, spread, table } from '../report/format.ts';
import type { Figure, Scenario, Step } from '../scenario.ts';
import type { BareWorkerOptions } from '../children/bare-worker.ts';
import type { EchoOptions } from '../children/echo.ts';
import type { Bench } from '../setup/bench.ts';
import { FeatureServer, keepUpdating } from '../setup/feature-server.ts';
import type { Installation } from '../setup/installation.ts';
import { deploymentOf } from '../setup/models.ts';
import { FEATURES, requestSource, STORED_FEATURES } from '../setup/requests.ts';
import { selectableClients, startWorker, type Client } from '../setup/worker.ts';

const CONTENDERS = ['fixedEcho', 'equalEcho', 'bareWorker', 'worker', 'storedEcho', 'storedWorker'] as const;
type Contender = (typeof CONTENDERS)[number];
type Rounds = Record<Contender, Throughput[]>;

const TARGET = 0.8;
const STORED_TARGET = 0.7;
const FIXED_BYTES = 400;

export const throughput: Scenario = {
  name: 'throughput',
  title: 'Throughput',
  plan: ({ rounds, messages }) => ({ steps: rounds * (CONTENDERS.length * selectableClients().length + 1), secondsPerStep: 4 + messages / 30_000 }),
  run: async (bench, step) => {
    const clients = selectableClients();
    const results = Object.fromEntries(clients.map((client) => [client, emptyRounds()])) as Record<Client, Rounds>;
    const onnx: number[] = [];
    const bytes = { answer: 0, storedAnswer: 0 };
    for (let round = 0; round < bench.sizes.rounds; round++) {
      // Neither client is always measured on the younger broker.
      for (const client of round % 2 === 0 ? clients : clients.toReversed()) await measureRound({ bench, step, client, round, bytes, rounds: results[client] });
      step(`round ${round + 1}: ONNX Runtime alone`);
      onnx.push(await bareOnnxRowsPerSecond(bench.model.path, FEATURES, 32));
    }
    return { figures: clients.flatMap((client) => figuresOf(client, results[client])), markdown: render(bench, results, onnx, bytes), raw: { messages: bench.sizes.messages, features: FEATURES, ...bytes, results, onnxRowsPerSecond: onnx } };
  },
};

interface Round {
  readonly bench: Bench;
  readonly step: Step;
  readonly client: Client;
  readonly round: number;
  readonly bytes: { answer: number; storedAnswer: number };
  readonly rounds: Rounds;
}

async function measureRound({ bench, step, client, round, bytes, rounds }: Round): Promise<void> {
  const { sizes, admin, model, kafka } = bench;
  const say = (what: string): void => step(`round ${round + 1}, ${client}: ${what}`);
  const echo = async (contender: Contender, installation: Installation, options: Pick<EchoOptions, 'from' | 'answerBytes' | 'withHeaders'>): Promise<void> => {
    say(contender);
    const to = await installation.extraTopic(`bench.${contender}`);
    const starting = startScript('echo.ts', { ...options, ...endpoints(bench, client, to), to } satisfies EchoOptions);
    rounds[contender].push(await bench.within(starting, (child) => throughputOf(child, admin, to, sizes.messages)));
  };

  const plain = await filled(bench, 'all-features', false);
  const requests = plain.topic('prediction.requested.v1');
  say('worker');
  rounds.worker.push(await measureWorker(bench, plain, client));
  bytes.answer = meanValueBytes(await sampleOf(kafka, plain.topic('prediction.scored.v1')));
  await echo('equalEcho', plain, { from: requests, answerBytes: bytes.answer, withHeaders: true });
  say('bareWorker');
  const bareOut = await plain.extraTopic('bench.bareWorker');
  const bare = startScript('bare-worker.ts', { ...endpoints(bench, client, bareOut), from: requests, to: bareOut, modelPath: model.path, features: FEATURES } satisfies BareWorkerOptions);
  rounds.bareWorker.push(await bench.within(bare, (child) => throughputOf(child, admin, bareOut, sizes.messages)));
  const fixedIn = await plain.extraTopic('bench.fixedIn');
  await plain.fill(fixedIn, sizes.messages, (index) => ({ key: String(index), value: Buffer.alloc(FIXED_BYTES, 'x') }));
  await echo('fixedEcho', plain, { from: fixedIn, withHeaders: false });
  await plain.remove();

  const stored = await filled(bench, 'stored-features', true);
  const server = await FeatureServer.start();
  const endUpdates = keepUpdating(stored);
  say('storedWorker');
  try {
    rounds.storedWorker.push(await measureWorker(bench, stored, client, { FEATURE_STORE_URL: server.url }));
  } finally {
    endUpdates();
    server.close();
  }
  const sample = await sampleOf(kafka, stored.topic('prediction.scored.v1'));
  if (!sample.every(({ value }) => value?.includes('"ageSeconds"') === true)) throw new Error('answers lack the stored features’ ages: the features did not come from the store');
  bytes.storedAnswer = meanValueBytes(sample);
  await echo('storedEcho', stored, { from: stored.topic('prediction.requested.v1'), answerBytes: bytes.storedAnswer, withHeaders: true });
  await stored.remove();
}

async function filled(bench: Bench, kind: Parameters<typeof requestSource>[0], storedFeatures: boolean): Promise<Installation> {
  const installation = await bench.installation();
  await installation.fill(installation.topic('prediction.requested.v1'), bench.sizes.messages, requestSource(kind));
  await installation.deploy(deploymentOf({ artifact: bench.model, revision: 1, storedFeatures }));
  return installation;
}

const measureWorker = (bench: Bench, installation: Installation, client: Client, env?: Record<string, string>): Promise<Throughput> =>
  bench.within(startWorker(bench, { prefix: installation.prefix, client, ...(env && { env }) }), (child) => throughputOf(child, bench.admin, installation.topic('prediction.scored.v1'), bench.sizes.messages));

const endpoints = ({ broker }: Bench, client: Client, to: string): { client: Client; brokers: string; group: string } => ({ client, brokers: broker.brokers, group: `to-${to}` });

const emptyRounds = (): Rounds => ({ fixedEcho: [], equalEcho: [], bareWorker: [], worker: [], storedEcho: [], storedWorker: [] });

const rates = (runs: readonly Throughput[]): number[] => runs.map(({ messagesPerSecond }) => messagesPerSecond);

function figuresOf(client: Client, rounds: Rounds): Figure[] {
  const equal = ratiosOf(rates(rounds.worker), rates(rounds.equalEcho));
  const fixed = ratiosOf(rates(rounds.worker), rates(rounds.fixedEcho));
  const stored = ratiosOf(rates(rounds.storedWorker), rates(rounds.storedEcho));
  const perSecond = count(spreadOf(rates(rounds.worker)).median);
  const measured = { plain: `${spread(equal, ratio)}; ${perSecond}/s; of the 400-byte echo ${ratio(fixed.median)}`, stored: spread(stored, ratio) };
  // The targets were set for the default client; the other's echo is another limit.
  if (client !== 'kafkajs') return [{ what: `Second client (${client}): worker against that client’s echo of equal bytes; with stored features`, measured: `${measured.plain}; ${measured.stored}`, target: 'published' }];
  return [
    { what: 'Worker against an echo of equal bytes', measured: measured.plain, target: `≥ ${TARGET}`, isMet: equal.median >= TARGET },
    { what: `The same with ${STORED_FEATURES} of ${FEATURES} features from the store’s cache`, measured: measured.stored, target: `≥ ${STORED_TARGET}`, isMet: stored.median >= STORED_TARGET },
  ];
}

function render(bench: Bench, results: Record<Client, Rounds>, onnx: readonly number[], bytes: Round['bytes']): string {
  const names: Record<Contender, string> = {
    fixedEcho: `echo, ${FIXED_BYTES} bytes in and out, no headers`,
    equalEcho: 'echo of equal bytes, two headers',
    bareWorker: 'bare worker (parse, score, publish 30 bytes)',
    worker: '**inference worker**',
    storedEcho: 'echo of equal bytes, two headers, requests of 27 features',
    storedWorker: `**inference worker, ${STORED_FEATURES} features from its cache**`,
  };
  const rows = Object.entries(results).flatMap(([client, rounds]) =>
    CONTENDERS.map((contender) => {
      const limit = contender === 'storedWorker' ? rounds.storedEcho : rounds.equalEcho;
      const cpu = spreadOf(rounds[contender].map(({ cpuMicrosPerMessage }) => cpuMicrosPerMessage));
      return [client, names[contender], spread(spreadOf(rates(rounds[contender])), count), spread(cpu, (value) => value.toFixed(1)), spread(ratiosOf(rates(rounds[contender]), rates(limit)), ratio)];
    }),
  );
  const onnxRow = ['', 'ONNX Runtime alone, batches of 32', count(spreadOf(onnx).median), '', ''];
  return paragraphs(
    `${count(bench.sizes.messages)} messages a measurement, ${bench.sizes.rounds} rounds, each round all of them in turn; median (least–most). Answers have ${bytes.answer} bytes, those with stored features ${bytes.storedAnswer}. A ratio is to the echo of the same bytes, client and round. Stored features change 500 times a second meanwhile.`,
    table(['client', 'what', 'messages/s', 'CPU µs each', 'of the echo of equal bytes'], [...rows, onnxRow]),
    selectableClients().length === 1 && 'A second client cannot be selected in this checkout: there is no setting `KAFKA_CLIENT`.',
  );
}
