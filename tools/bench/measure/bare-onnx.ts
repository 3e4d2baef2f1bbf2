import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Rows a second of ONNX Runtime alone: same graph, one thread, the same batch again and again for two seconds. */
export async function bareOnnxRowsPerSecond(modelPath: string, features: number, batchSize: number): Promise<number> {
  const session = await InferenceSession.create(modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const rows = Float32Array.from({ length: batchSize * features }, (_, index) => Math.sin(index));
  const feed = { [session.inputNames[0]!]: new Tensor('float32', rows, [batchSize, features]) };
  for (let warm = 0; warm < 100; warm++) await session.run(feed);
  const startMs = performance.now();
  let scored = 0;
  while (performance.now() - startMs < 2000) {
    await session.run(feed);
    scored += batchSize;
  }
  const rowsPerSecond = scored / ((performance.now() - startMs) / 1000);
  await session.release();
  return rowsPerSecond;
}
