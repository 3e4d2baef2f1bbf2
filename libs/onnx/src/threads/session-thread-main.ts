import { parentPort } from 'node:worker_threads';
import { toContractError } from '@throughline/contracts';
import type { ColumnData, InputColumns } from '../feeds.js';
import { identityGraph } from '../graph/probe-graphs.js';
import { OnnxSession, type RunResult } from '../session.js';
import { readSignature } from '../signature.js';
import { END, type Call, type CallMessage, type LoadCall, type LoadReport, type ReplyMessage, type RunCall } from './protocol.js';

// The thread that `SessionThread` starts: one session at a time, one reply a call.

const MAX_MEASURED_RUNS = 20;
const MAX_MEASURING_MS = 50;

let session: OnnxSession | undefined;

async function answer(call: Call): Promise<LoadReport | RunResult | undefined> {
  if (call.kind === 'load') return load(call);
  if (call.kind === 'run') return run(call);
  await session?.dispose();
  session = undefined;
  return undefined;
}

async function load({ bytes, intraOpNumThreads, warmUp: { batchSizes, inputWidth } }: LoadCall): Promise<LoadReport> {
  // The runtime takes no shared memory.
  const own = bytes.slice();
  const signature = readSignature(own);
  const startedMs = cpuMs();
  const loaded = await OnnxSession.load(own, { intraOpNumThreads, signature });
  const loadMs = cpuMs() - startedMs;
  try {
    await loaded.warmUp(batchSizes, inputWidth);
    const batchMs = await measure(() => loaded.warmUp([Math.max(...batchSizes)], inputWidth));
    session = loaded;
    return { signature, loadMs, batchMs };
  } catch (thrown) {
    await loaded.dispose();
    throw thrown;
  }
}

/** The fastest of several runs: what a run costs when nobody else wants the core. */
async function measure(run: () => Promise<void>): Promise<number> {
  let fastestMs = Infinity;
  const startedMs = performance.now();
  for (let runs = 0; runs < MAX_MEASURED_RUNS && performance.now() - startedMs < MAX_MEASURING_MS; runs++) {
    const beforeMs = performance.now();
    await run();
    fastestMs = Math.min(fastestMs, performance.now() - beforeMs);
  }
  return fastestMs;
}

function run({ columns, rowCount }: RunCall): Promise<RunResult> {
  if (session === undefined) throw new Error('nothing is loaded');
  return session.runColumns(ownedColumns(columns), rowCount);
}

/** The runtime takes no shared memory, and the caller must not pay for the copy. */
function ownedColumns(columns: InputColumns): InputColumns {
  return Object.fromEntries(Object.entries(columns).map(([name, data]) => [name, data.slice() as ColumnData]));
}

/** Not the wall: a thread that waits for a core is not slow to load. In steps of up to 4 ms. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function reply(message: ReplyMessage, result?: LoadReport | RunResult): void {
  const outputs = result !== undefined && 'outputs' in result ? result.outputs : [];
  parentPort!.postMessage(message, outputs.flatMap(({ data }) => (Array.isArray(data) ? [] : [data.buffer as ArrayBuffer])));
}

/** Views of the runtime's memory would travel with all that lies around them. */
function detached(result: LoadReport | RunResult | undefined): LoadReport | RunResult | undefined {
  if (result === undefined || !('outputs' in result)) return result;
  return { ...result, outputs: result.outputs.map((output) => ({ ...output, data: output.data.slice() })) };
}

// The runtime's own start must not count as a model's.
const first = await OnnxSession.load(identityGraph(1));
await first.warmUp([2]);
await first.dispose();

parentPort!.on('message', async (message: CallMessage | typeof END) => {
  // Ends this thread alone.
  if (message === END) process.exit();
  const { callId, ...call } = message;
  try {
    const result = detached(await answer(call as Call));
    reply({ callId, result }, result);
  } catch (thrown) {
    const { code, message: reason, cure } = toContractError(thrown);
    reply({ callId, error: { code, reason, cure } });
  }
});
