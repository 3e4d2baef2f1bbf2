/** The least a worker can be: consume, parse, score, publish; no validation, no features as used, no acknowledgement kept in order, no commit. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { answerInChunks, optionsOf, type ChunkOptions } from './chunks.ts';

export interface BareWorkerOptions extends ChunkOptions {
  readonly modelPath: string;
  readonly features: number;
}

const options = optionsOf<BareWorkerOptions>();
const session = await InferenceSession.create(options.modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const [input = '', output = ''] = [session.inputNames[0], session.outputNames[0]];

await answerInChunks(options, async (chunk) => {
  const rows = new Float32Array(chunk.length * options.features);
  chunk.forEach(({ value }, row) => rows.set(Object.values((JSON.parse(value.toString()) as { data: { features: Record<string, number> } }).data.features), row * options.features));
  const scores = (await session.run({ [input]: new Tensor('float32', rows, [chunk.length, options.features]) }))[output]!.data as Float32Array;
  return chunk.map(({ key, offset, headers }, row) => ({ key, value: JSON.stringify({ id: offset, score: scores[row] }), ...(headers['traceparent'] && { headers: { traceparent: headers['traceparent'] } }) }));
});
