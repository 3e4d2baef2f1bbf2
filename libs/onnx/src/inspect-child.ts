import { ContractError } from '@throughline/contracts';
import { attempt, readStandardInput } from './child-talk.js';
import type { ChildAnswer, Trial } from './inspect-in-child.js';
import { OnnxSession, type OutputColumn } from './session.js';

// The process that `inspectInChild` starts: an ONNX file on standard input, one message back, and one for each trial it is sent.

/** What is answered fills the memory of the process that asks, which nobody kills: a few hundred bytes of graph can answer gigabytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

async function inspect(bytes: Uint8Array): Promise<ChildAnswer> {
  return attempt(async () => {
    const session = await OnnxSession.load(bytes);
    await tryOut(session);
    process.on('message', (trial) => void attempt(() => answerTrial(session, trial as Trial)).then((answer) => process.send!(answer)));
    return { signature: session.signature };
  });
}

async function answerTrial(session: OnnxSession, { columns, rowCount }: Trial): Promise<ChildAnswer> {
  const outputs = await runTrial(session, { columns, rowCount });
  const sizeBytes = outputs.reduce((sum, { data }) => sum + sizeOf(data), 0);
  if (sizeBytes <= MAX_ANSWER_BYTES) return { outputs };
  throw new ContractError('artifact_too_large', `the model answers the ${rowCount} row(s) it was given with ${sizeBytes} bytes, ${MAX_ANSWER_BYTES} are allowed`, { cure: 'Give it fewer rows, or none: what answers so much cannot be held against golden rows.' });
}

async function runTrial(session: OnnxSession, { columns, rowCount }: Trial): Promise<OutputColumn[]> {
  try {
    return (await session.runColumns(columns, rowCount)).outputs;
  } catch (thrown) {
    throw new ContractError('artifact_load_failed', `the model loads, but fails on the ${rowCount} row(s) it was given: ${(thrown as Error).message}`);
  }
}

const sizeOf = (data: OutputColumn['data']): number => (Array.isArray(data) ? data.reduce((sum, text) => sum + text.length, 0) + data.length : data.byteLength);

/** A graph can load and yet fail on every row; zeros find that out, unless text is asked for, whose vocabulary is unknown. */
async function tryOut(session: OnnxSession): Promise<void> {
  const { inputs } = session.signature;
  const widthsKnown = inputs.every((input) => input.shape.slice(1).every((size) => size !== -1));
  if (inputs.some((input) => input.datatype === 'BYTES') || !(widthsKnown || session.inputWidth !== undefined)) return;
  try {
    await session.warmUp([2]);
  } catch (thrown) {
    throw new ContractError('artifact_load_failed', `the model loads, but fails on two rows of zeros: ${(thrown as Error).message}`, {
      cure: 'Run the file in onnxruntime with a batch of two rows; every output needs one entry a row.',
    });
  }
}

const answer = await inspect(await readStandardInput());
process.send!(answer);
// Stay until the parent has read it and kills: an exit could overtake the message. If the parent is gone, so are we.
process.channel!.ref();
