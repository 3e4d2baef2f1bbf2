import { randomUUID } from 'node:crypto';
import { ContractError } from '@throughline/contracts';
import type { LifecycleStage, Texts } from '../store/experiments.js';
import type { KeyValue } from './params.js';

export const textsOf = (pairs: readonly KeyValue[]): Texts => Object.fromEntries(pairs.map(({ key, value }) => [key, value]));

/** 32 hexadecimal digits, as MLflow's ids are. */
export const newId = (): string => randomUUID().replaceAll('-', '');

const VIEWS: Readonly<Record<string, readonly LifecycleStage[]>> = { ACTIVE_ONLY: ['active'], DELETED_ONLY: ['deleted'], ALL: ['active', 'deleted'], 1: ['active'], 2: ['deleted'], 3: ['active', 'deleted'] };

/** @throws ContractError `invalid_request` */
export function stageFilter(view: string | undefined): (stage: LifecycleStage) => boolean {
  const stages = view === undefined || view === '' ? VIEWS['ACTIVE_ONLY'] : Object.hasOwn(VIEWS, view) ? VIEWS[view] : undefined;
  if (stages === undefined) throw new ContractError('invalid_request', `Invalid view type '${view?.slice(0, 40)}'`, { cure: 'Use ACTIVE_ONLY, DELETED_ONLY or ALL.' });
  return (stage) => stages.includes(stage);
}

/** @throws ContractError `invalid_request` */
export function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new ContractError('invalid_request', `Invalid value '${value.slice(0, 60)}' for parameter '${name}'`, { cure: `Use one of ${known.join(', ')}.` });
  return found;
}

/** Clients ask for models by “is no prompt”; MLflow keeps its prompts among them, and we have none. */
export const NO_PROMPT: Texts = { 'mlflow.prompt.is_prompt': 'false' };

/** A state by its name, or by its number in Protocol Buffers, which begin with 1. @throws ContractError `invalid_request` */
export const stateOf = <T extends string>(name: string, value: string, byNumber: readonly T[]): T => (/^\d$/.test(value) ? byNumber[Number(value) - 1] : undefined) ?? oneOf(name, value, byNumber);
