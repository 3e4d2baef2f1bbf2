import { it } from 'vitest';
import { judge } from './judge.js';
import { defaultSpec } from './defaults.js';
import { EQUAL, rollout, watching, type World } from './testing/simulation.js';
const GUARDS = defaultSpec('canary', 2).guards.map((g) => g.kind === 'quality' ? { ...g, loss: 'wrong' as const } : g);
const spec = { ...watching(GUARDS), segments: [{ name: 'own', entityRole: 'x', entityIds: [] }] };
function run(name: string, world: World, n: number): void {
  const by: Record<string, number> = {}; let any = 0; const samples: number[] = []; const steps: Record<string, number> = {};
  for (let seed = 0; seed < n; seed++) {
    const hit = new Set<string>(); let done = false;
    for (const { evidence, step } of rollout(world, seed * 104729 + 5)) {
      for (const v of judge(spec, evidence)) if (v.state === 'breached') hit.add(v.guard + (v.segment ?? ''));
      if (hit.size && !done) { done = true; samples.push(evidence.steps.reduce((s, x) => s + x.arms.candidate.answers, 0)); steps[step] = (steps[step] ?? 0) + 1; break; }
    }
    for (const g of hit) by[g] = (by[g] ?? 0) + 1;
    if (hit.size) any++;
  }
  samples.sort((a, b) => a - b);
  process.stdout.write(`${name} ` + JSON.stringify({ any: any / n, by, steps, median: samples[samples.length >> 1], p90: samples[Math.floor(samples.length * .9)] }) + '\n');
}
it('explores', () => {
  const w: World = { ...EQUAL, isSegment: (k) => k % 10 === 0 };
  const plus = (d: number) => (arm: string) => arm === 'candidate' ? d : 0;
  run('+5 points icc .25', { ...w, effect: plus(0.05) }, 40);
  run('+5 points icc .05', { ...w, correlation: 0.05, effect: plus(0.05) }, 40);
  run('+10 points', { ...w, effect: plus(0.1) }, 40);
  run('+8 points of .2 (1.4x), 5000 keys, 400 a tick icc .05', { ...w, keys: 5000, perTick: 400, correlation: .05, effect: plus(0.08) }, 40);
  run('slow x3', { ...w, latencyFactor: 3 }, 40);
  run('slow x20', { ...w, latencyFactor: 20 }, 40);
  run('shift .8', { ...w, scoreShift: 0.8 }, 40);
  run('shift 2', { ...w, scoreShift: 2 }, 40);
  run('segment +30', { ...w, effect: (arm, { key }) => arm === 'candidate' && key % 10 === 0 ? 0.3 : 0 }, 40);
}, 600000);
