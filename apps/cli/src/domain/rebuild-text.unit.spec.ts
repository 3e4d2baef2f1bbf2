import { expect, it } from 'vitest';
import { rebuildEnd, rebuildProgress, type Rebuild } from './rebuild-text.js';

const rebuild: Rebuild = { rebuildId: 'id', model: 'm', from: 'a', to: 'b', status: 'finished', total: 4000, seen: 1000, unchanged: 880, corrected: 20, unjudged: 0 };

it('shows how far it is', () => {
  expect(rebuildProgress(rebuild)).toBe(`${'█'.repeat(8)}${'░'.repeat(22)}  25 %  1,000 of 4,000 predictions, 900 joins told`);
  expect(rebuildProgress({ ...rebuild, seen: 5000 })).toContain(`${'█'.repeat(30)} 100 %`);
  expect(rebuildProgress({ ...rebuild, seen: 0, total: 0 })).toContain('100 %');
});

it('says at the end what was told as before, what was corrected, and what was not told', () => {
  expect(rebuildEnd(rebuild)).toBe('Finished: rebuild id of m, a to b\n  predictions     1,000\n  told as before  880 (the same events under the same ids)\n  corrected       20 (judged otherwise by the declaration of today)');
  expect(rebuildEnd({ ...rebuild, status: 'cancelled', unjudged: 3 })).toMatch(/^Cancelled[^]*not told {8}3/);
  expect(rebuildEnd({ ...rebuild, seen: 0, unchanged: 0, corrected: 0 })).toContain('--from and --to are event times');
});
