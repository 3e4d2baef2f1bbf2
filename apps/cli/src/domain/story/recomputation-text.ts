import type { Recomputation } from './resources.js';

const SHOWN = 20;

/** What came of computing an answer again, for a person. */
export function renderRecomputation({ status, explanation, runtime, servedBatchSize, differences = [], differenceCount = 0, score }: Recomputation): string {
  const lines = [`Computed again: ${status.replaceAll('_', ' ')}`, `  ${explanation}`];
  if (runtime !== undefined) {
    lines.push(`  served by  ${runtime.served ?? 'nobody wrote it down'}${servedBatchSize === undefined ? '' : `, in a batch of ${servedBatchSize}`}`);
    lines.push(`  here       ${runtime.differs === false ? 'the same' : runtime.here}, alone`);
  }
  for (const { output, index, stored, recomputed, difference, ulps } of differences.slice(0, SHOWN)) {
    const apart = [difference === undefined ? undefined : `difference ${difference}`, ulps === undefined ? undefined : `${ulps} ULP`].filter((one) => one !== undefined);
    lines.push(`  ${output}[${index}]: answered ${JSON.stringify(stored)}, computed ${JSON.stringify(recomputed)}${apart.length === 0 ? '' : ` (${apart.join(', ')})`}`);
  }
  if (differenceCount > SHOWN) lines.push(`  … and ${differenceCount - SHOWN} more`);
  if (score !== undefined) lines.push(`  score on record ${score.stored}, of the outputs ${score.recomputed}`);
  return lines.join('\n');
}
