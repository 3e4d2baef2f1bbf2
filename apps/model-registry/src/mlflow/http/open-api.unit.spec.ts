import { expect, it } from 'vitest';
import { experimentRoutes } from './experiments.js';
import { loggedModelRoutes } from './logged-models.js';
import { modelVersionRoutes } from './model-versions.js';
import { MLFLOW_OPERATIONS } from './operations.js';
import { registeredModelRoutes } from './registered-models.js';
import type { Route } from './route.js';
import { runRoutes } from './runs.js';

it('describes every route of MLflow’s that is served, and no other', () => {
  // The routes of a list are made before anything of a store is asked.
  const none = {} as never;
  const served: Route[] = [...experimentRoutes(none, none), ...runRoutes(none), ...loggedModelRoutes(none), ...registeredModelRoutes(none), ...modelVersionRoutes(none)];
  const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`;
  expect(MLFLOW_OPERATIONS.map(nameOf).toSorted()).toEqual(served.map(nameOf).toSorted());
});
