/**
 * The bare worker with one guarantee after the other, made of the libraries that the worker is made of. `guarantees` says how many of them:
 * validation, envelope, features, answer, features-as-used, acknowledgement.
 */
import { createBus, type OutgoingMessage } from '@throughline/bus';
import { decodeEvent, predictionId, whyInvalid, type Event, type PredictionRequested, type WireMessage } from '@throughline/contracts';
import { allocateColumns, assembleRow, isPackError, packRow, planPacking, type AssembledRow, type FeatureScalar } from '@throughline/features';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Scored } from '../../../apps/inference-worker/dist/domain/answer.js';
import { encodeAnswer } from '../../../apps/inference-worker/dist/domain/answer-events.js';
import { candidateOfEvent } from '../../../apps/inference-worker/dist/domain/scoring-request.js';
import { instantWriter } from '../../../apps/inference-worker/dist/scoring/clock.js';
import { answerTrace } from '../../../apps/inference-worker/dist/scoring/tracing.js';
import { answerInChunks, optionsOf, type ChunkOptions, type Consumed, type Produced } from './chunks.ts';
import { deploymentOf } from '../setup/models.ts';
import { FEATURES } from '../setup/requests.ts';

export const GUARANTEES = ['validation', 'envelope', 'features', 'answer', 'features-as-used', 'acknowledgement'] as const;
export type Guarantee = (typeof GUARANTEES)[number];

export interface GuaranteeOptions extends ChunkOptions {
  readonly prefix: string;
  readonly modelPath: string;
  /** In their order, from the first on. */
  readonly guarantees: readonly Guarantee[];
}

const TOPIC = 'prediction.requested.v1';
const options = optionsOf<GuaranteeOptions>();
const has = (guarantee: Guarantee): boolean => options.guarantees.includes(guarantee);
const session = await InferenceSession.create(options.modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const [input = '', output = ''] = [session.inputNames[0], session.outputNames[0]];
const { champion } = deploymentOf({ artifact: { bytes: new Uint8Array(), sha256: 'a'.repeat(64) }, revision: 1 });
const plan = planPacking(champion!.signature);
const served = { ...champion!, model: 'bench', plan, lookups: [], runtime: 'bench' };
const instant = instantWriter();

interface Read {
  readonly features: Record<string, FeatureScalar>;
  readonly event: Event<typeof TOPIC> | undefined;
}

const wire = ({ key, value, offset, partition, timestampMs, headers }: Consumed): WireMessage => ({ topic: TOPIC, partition, offset, timestampMs, key, value, headers });

function read(message: Consumed): Read {
  if (has('envelope')) return ofEvent(decoded(message));
  const { data } = JSON.parse(message.value.toString()) as { data: PredictionRequested };
  const invalid = has('validation') ? whyInvalid(TOPIC, data) : undefined;
  if (invalid !== undefined) throw new Error(invalid);
  return { features: data.features!, event: undefined };
}

function decoded(message: Consumed): Event<typeof TOPIC> {
  const event = decodeEvent(TOPIC, wire(message));
  if (!event.ok) throw new Error(event.reason);
  return event;
}

const ofEvent = (event: Event<typeof TOPIC>): Read => ({ features: event.data.features!, event });

/** Rows as the model takes them, and as an answer repeats them. */
function pack(reads: readonly Read[]): { matrix: Float32Array; assembled: AssembledRow[] } {
  if (!has('features')) {
    const matrix = new Float32Array(reads.length * FEATURES);
    reads.forEach(({ features }, row) => matrix.set(Object.values(features) as number[], row * FEATURES));
    return { matrix, assembled: [] };
  }
  const columns = allocateColumns(plan, reads.length);
  const assembled = reads.map(({ features }, row) => {
    const one = assembleRow(plan, { named: features, positional: undefined, stored: undefined });
    if (isPackError(one)) throw new Error(one.reason);
    packRow(plan, columns, row, one.values);
    return one;
  });
  return { matrix: columns[input] as Float32Array, assembled };
}

async function answersOf(reads: readonly Read[], keys: readonly (Buffer | null)[], offsets: readonly string[]): Promise<Produced[]> {
  const pickUp = { nowMs: Date.now(), steadyMs: performance.now() };
  const { matrix, assembled } = pack(reads);
  const scores = (await session.run({ [input]: new Tensor('float32', matrix, [reads.length, FEATURES]) }))[output]!.data as Float32Array;
  const outputs = [{ name: output, datatype: 'FP32', data: scores, rowWidth: 1 }];
  return reads.map(({ event }, row) => {
    const key = keys[row]!;
    const id = event === undefined ? offsets[row]! : predictionId(event.source, event.id);
    if (!has('answer') || event === undefined) return { key, value: JSON.stringify({ id, score: scores[row] }) };
    const candidate = candidateOfEvent(event);
    const timingsMs = { transport: pickUp.nowMs - event.message.timestampMs, queue: 0.125, features: 0.125, preprocess: 0.125, inference: 0.125, postprocess: 0.125, total: 1.125 };
    const scored: Scored = {
      state: 'scored', request: candidate.request as Scored['request'], predictionId: id, ...answerTrace(event.traceparent, 0, Math.random), pickUp, answeredAtMs: pickUp.nowMs,
      addressed: served, served, found: undefined, role: 'champion', revision: 1, row: has('features-as-used') ? assembled[row] : undefined, ageSeconds: undefined,
      outputs, outputRow: row, statedScore: undefined, batchSize: reads.length, timingsMs, fallback: undefined,
    };
    return { key, ...encodeAnswer(scored, 'bench', instant) };
  });
}

if (!has('acknowledgement')) {
  await answerInChunks(options, (chunk) => answersOf(chunk.map(read), chunk.map(({ key }) => key), chunk.map(({ offset }) => offset)));
} else {
  const bus = createBus({ KAFKA_BROKERS: [options.brokers], KAFKA_TOPIC_PREFIX: options.prefix });
  // As the worker takes them in.
  await bus.subscribe({
    topic: TOPIC, group: options.group, maxBatchSize: 256, maxInFlightBatches: 6,
    handler: async ({ events }) => {
      const answers = await answersOf(events.map(ofEvent), events.map(({ message }) => message.key), []);
      await bus.producer.sendAll(answers.map(({ key, value, headers }): OutgoingMessage => ({ topic: 'prediction.scored.v1', key: key!, value: value!, ...(headers && { headers }) })));
    },
  });
  process.send?.('ready');
}
