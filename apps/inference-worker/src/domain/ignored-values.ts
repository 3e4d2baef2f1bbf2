import { unknownTensors } from '@throughline/features';
import type { Scored } from './answer.js';

/** Values that the request brought and the model has no feature for: named ones, or a tensor each. */
export function ignoredValues({ request, addressed, row }: Pick<Scored, 'request' | 'addressed' | 'row'>): number {
  return request.tensors === undefined ? (row?.ignoredCount ?? 0) : unknownTensors(addressed.plan, request.tensors).length;
}
