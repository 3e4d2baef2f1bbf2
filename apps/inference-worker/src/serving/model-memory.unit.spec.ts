import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ModelMemory, type Resident } from './model-memory.js';

class Guest implements Resident {
  isWanted = false;
  isBusy = false;
  evictions = 0;

  constructor(readonly model: string, private readonly memory: ModelMemory) {}

  async evict(): Promise<void> {
    this.evictions++;
  }

  /** Comes in and is idle then. */
  async enter(sizeBytes: number, isUrgent = true): Promise<boolean> {
    this.isBusy = true;
    const isIn = await this.memory.admit(this, sizeBytes, isUrgent);
    this.isBusy = false;
    this.memory.idle();
    return isIn;
  }
}

const memories: ModelMemory[] = [];
function memoryOf(maxBytes: number): ModelMemory {
  const memory = new ModelMemory(maxBytes);
  memories.push(memory);
  return memory;
}
const guests = (memory: ModelMemory, count: number) => Array.from({ length: count }, (_, index) => new Guest(`m${index}`, memory));

afterEach(() => {
  for (const memory of memories.splice(0)) memory.close();
});

describe('the memory of models', () => {
  it('lets the least recently used leave, not the busiest', async () => {
    const memory = memoryOf(30);
    const [busy, old, other, late] = guests(memory, 4) as [Guest, Guest, Guest, Guest];
    for (const guest of [busy, old, other]) await guest.enter(10);
    memory.touch(busy);
    expect(await late.enter(10)).toBe(true);
    expect([busy.evictions, old.evictions, other.evictions]).toEqual([0, 1, 0]);
    expect(memory.usedBytes).toBe(30);
  });

  it('spares what is wanted, unless it is urgent', async () => {
    const memory = memoryOf(20);
    const [wanted, idle, late] = guests(memory, 3) as [Guest, Guest, Guest];
    wanted.isWanted = true;
    await wanted.enter(10);
    await idle.enter(10);
    expect(await late.enter(20, false)).toBe(false);
    expect([wanted.evictions, idle.evictions]).toEqual([0, 1]);
    expect(await late.enter(20, true)).toBe(true);
    expect(wanted.evictions).toBe(1);
  });

  it('waits for what is at work to end', async () => {
    const memory = memoryOf(10);
    const [working, late] = guests(memory, 2) as [Guest, Guest];
    await working.enter(10);
    working.isBusy = true;
    let isIn = false;
    const entering = late.enter(10).then(() => (isIn = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isIn, working.evictions]).toEqual([false, 0]);
    working.isBusy = false;
    memory.idle();
    await entering;
    expect(working.evictions).toBe(1);
  });

  it('refuses what it could never hold, and says what to raise', async () => {
    const memory = memoryOf(10);
    await expect(guests(memory, 1)[0]!.enter(11)).rejects.toMatchObject({ code: 'artifact_too_large', cure: expect.stringContaining('MODEL_MEMORY_MAX_BYTES') });
  });

  it('takes it into account when a guest turns out smaller', async () => {
    const memory = memoryOf(10);
    const [first, second] = guests(memory, 2) as [Guest, Guest];
    await first.enter(10);
    memory.shrink(first, 4);
    expect(await second.enter(6, false)).toBe(true);
    expect([memory.usedBytes, first.evictions]).toEqual([10, 0]);
  });

  it('never holds more than its bound and lets everybody in, whoever comes, works and leaves', async () => {
    const step = fc.record({ guest: fc.nat(9), sizeBytes: fc.integer({ min: 1, max: 40 }), works: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
        const memory = memoryOf(50);
        const all = guests(memory, 10);
        await Promise.all(
          steps.map(async ({ guest: index, sizeBytes, works }) => {
            const guest = new Guest(`${all[index]!.model}`, memory);
            guest.isBusy = true;
            expect(await memory.admit(guest, sizeBytes, true)).toBe(true);
            expect(memory.usedBytes).toBeLessThanOrEqual(50);
            if (works) await new Promise((resolve) => setImmediate(resolve));
            guest.isBusy = false;
            memory.idle();
          }),
        );
        expect(memory.usedBytes).toBeLessThanOrEqual(50);
      }),
      { numRuns: 50 },
    );
  });
});
