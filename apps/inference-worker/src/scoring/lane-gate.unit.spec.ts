import { expect, it } from 'vitest';
import { LaneGate } from './lane-gate.js';

it('holds the batch lane back while the prompt lanes are busy, and lets it go when they are not', async () => {
  const gate = new LaneGate();
  await gate.quiet(60_000);
  let finish = (): void => {};
  const busy = gate.during(1000, () => new Promise<void>((resolve) => (finish = resolve)));
  let isQuiet = false;
  const quiet = gate.quiet(60_000).then(() => (isQuiet = true));
  await Promise.resolve();
  expect(isQuiet).toBe(false);
  finish();
  await Promise.all([busy, quiet]);
  expect(gate.busyRows).toBe(0);
});

it('lets the batch lane go after its longest wait all the same', async () => {
  const gate = new LaneGate();
  void gate.during(1000, () => new Promise<void>(() => {}));
  await gate.quiet(5);
  expect(gate.busyRows).toBe(1000);
});
