import { expect, it } from 'vitest';
import { stagesOf } from './stages.js';

it('come in their order, the total last, each against its budget', () => {
  expect(stagesOf({ total: 9, inference: 4, queue: 5, later: 1 }, { queue: 2, inference: 5 })).toEqual([
    { stage: 'queue', ms: 5, budgetMs: 2, isOver: true }, { stage: 'inference', ms: 4, budgetMs: 5, isOver: false }, { stage: 'total', ms: 9 }, { stage: 'later', ms: 1 },
  ]);
});

it('the total is held against the sum of the budgets where every stage has one', () => {
  expect(stagesOf({ queue: 1, inference: 2, total: 8 }, { queue: 2, inference: 5 }).at(-1)).toEqual({ stage: 'total', ms: 8, budgetMs: 7, isOver: true });
});

it('without budgets there is nothing to be over', () => expect(stagesOf({ queue: 1 }, undefined)).toEqual([{ stage: 'queue', ms: 1 }]));
