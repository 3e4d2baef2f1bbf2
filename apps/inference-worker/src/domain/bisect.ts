/** Rows `from` (inclusive) to `to` (exclusive) of a batch, and what became of them. */
export interface Part<T> {
  readonly from: number;
  readonly to: number;
  readonly result: T | undefined;
  /** Set instead of `result` on a part of one row. */
  readonly error: unknown;
}

/**
 * Runs a batch; when that fails, its halves, down to the rows that fail alone, so that one bad row costs nobody else an answer. A failing
 * row in n costs about 2 log2(n) more runs.
 */
export async function runBisecting<T>(from: number, to: number, run: (from: number, to: number) => Promise<T>): Promise<Part<T>[]> {
  try {
    return [{ from, to, result: await run(from, to), error: undefined }];
  } catch (error) {
    if (to - from <= 1) return [{ from, to, result: undefined, error }];
    const middle = from + Math.floor((to - from) / 2);
    return [...(await runBisecting(from, middle, run)), ...(await runBisecting(middle, to, run))];
  }
}
