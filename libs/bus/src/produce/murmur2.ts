const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/**
 * The hash by which Java's clients and kafkajs choose the partition of a key: MurmurHash2 (A. Appleby, public domain) with Kafka's seed, 32 bits,
 * without its sign. Theirs compute with longs made of objects, @platformatic/kafka's with big integers and leaves the sign bit in.
 */
export function murmur2(key: Buffer): number {
  const { length } = key;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let block = Math.imul(key.readInt32LE(at), M);
    block ^= block >>> R;
    hash = Math.imul(hash, M) ^ Math.imul(block, M);
  }
  for (let rest = length - at - 1; rest >= 0; rest -= 1) hash ^= key[at + rest]! << (8 * rest);
  if (at < length) hash = Math.imul(hash, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return (hash ^ (hash >>> 15)) & 0x7fffffff;
}
