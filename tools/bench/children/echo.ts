/** The limit of this machine: consume, produce the same number of messages of a given size, acks=all, on a bare client. */
import { answerInChunks, optionsOf, type ChunkOptions } from './chunks.ts';

export interface EchoOptions extends ChunkOptions {
  /** Size of each answer; absent gives back what came. */
  readonly answerBytes?: number;
  readonly withHeaders: boolean;
}

const options = optionsOf<EchoOptions>();
const filler = options.answerBytes === undefined ? undefined : Buffer.alloc(options.answerBytes, 'x');
const headers = { 'content-type': 'application/cloudevents+json', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` };

await answerInChunks(options, async (chunk) => chunk.map(({ key, value }) => ({ key, value: filler ?? value, ...(options.withHeaders && { headers }) })));
