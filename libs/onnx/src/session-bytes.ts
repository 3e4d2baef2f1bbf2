/** Fields of the ONNX messages that say how large a graph becomes: `ModelProto.graph`, `GraphProto.initializer`. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const LENGTH_DELIMITED = 2;

/** Measured (resident set over three sessions of one model): weights 1.2 to 1.8 times their bytes in the file, packed copies included … */
const BYTES_PER_WEIGHT_BYTE = 1.8;
/** … and trees, which are attributes of a node, 10 to 14 times. */
const BYTES_PER_OTHER_BYTE = 14;
const FIXED_BYTES = 512 * 1024;

/**
 * Estimates what a session of these bytes takes in memory, from above: its weights and everything else weigh differently. It looks at
 * the framing of the file only, which takes microseconds; of bytes that are no ONNX file it makes some number, too.
 */
export function estimateSessionBytes(bytes: Uint8Array): number {
  let weights = 0;
  for (const graph of fieldsOf(bytes, MODEL_GRAPH)) for (const initializer of fieldsOf(graph, GRAPH_INITIALIZER)) weights += initializer.byteLength;
  return Math.ceil(FIXED_BYTES + weights * BYTES_PER_WEIGHT_BYTE + (bytes.byteLength - weights) * BYTES_PER_OTHER_BYTE);
}

/** The length-delimited fields of this number in a protobuf message; ends where the framing does. */
function* fieldsOf(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (let at = 0; at < message.byteLength; ) {
    const tag = readVarint(message, at);
    const wireType = tag.value % 8;
    const { value, next } = wireType === 0 || wireType === LENGTH_DELIMITED ? readVarint(message, tag.next) : { value: wireType === 1 ? 8 : 4, next: tag.next };
    const end = wireType === 0 ? next : next + value;
    if (end > message.byteLength) return;
    if (wireType === LENGTH_DELIMITED && Math.floor(tag.value / 8) === wanted) yield message.subarray(next, end);
    at = end;
  }
}

/** As a double: what does not fit one is no length of this file anyway. */
function readVarint(message: Uint8Array, start: number): { value: number; next: number } {
  let value = 0;
  for (let at = start, scale = 1; at < message.byteLength; at++, scale *= 128) {
    const byte = message[at]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: at + 1 };
  }
  return { value: Infinity, next: message.byteLength };
}
