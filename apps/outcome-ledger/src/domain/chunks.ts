/** Cuts a list into runs of at most `maxBytes` (a single larger item stands alone), in order: the size of a transaction is bounded. */
export function chunksByBytes<T>(items: readonly T[], sizeBytes: (item: T) => number, maxBytes: number): T[][] {
  const chunks: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = sizeBytes(item);
    const current = chunks.at(-1);
    if (current === undefined || size > room) {
      chunks.push([item]);
      room = maxBytes - size;
    } else {
      current.push(item);
      room -= size;
    }
  }
  return chunks;
}
