import type { Principal } from '@throughline/http';
import type { Params } from './params.js';

export interface Call {
  /** Of the path, the query and the body. */
  readonly params: Params;
  readonly caller: Principal;
}

/** One of MLflow's routes, below `/api/2.0/mlflow`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly answer: (call: Call) => Promise<object>;
}

export const route = (method: Route['method'], path: string, answer: Route['answer']): Route => ({ method, path, answer });

/** MLflow answers with an empty object where there is nothing to say. */
export const NOTHING: object = {};
