import type { OutcomeDeclaration, Strategy } from '@throughline/contracts';
import type { Loss, Segment } from '../domain/spec.js';

/** How a version's score is to be read. */
export interface Reading {
  readonly task: 'binary_classification' | 'regression' | 'other';
  /** A score at or above it is a positive decision. */
  readonly threshold: number | undefined;
}

/** The step of a rollout that a deployment revision stands for, with all that counting needs to know of it. */
export interface StepContext {
  readonly rolloutId: string;
  readonly step: number;
  readonly strategy: Strategy;
  readonly champion: string;
  readonly candidate: string;
  readonly readings: { readonly champion: Reading; readonly candidate: Reading };
  /** Of segments, and of the paired differences of a shadow. */
  readonly loss: Loss;
  readonly segments: readonly Segment[];
  readonly outcome: OutcomeDeclaration | undefined;
}

/** Which step of which rollout a revision of a model's deployment was; `undefined` for one of no rollout. */
export type FindStep = (model: string, revision: number) => StepContext | undefined;
