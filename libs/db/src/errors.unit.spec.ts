import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { expect, it } from 'vitest';
import { mapDatabaseError } from './errors.js';

it.each([new QueryRunnerAlreadyReleasedError(), new QueryRunnerProviderAlreadyReleasedError()])('a connection that typeorm gave up in mid-transaction is unavailable, not a defect: $name', (error) => {
  expect(mapDatabaseError(error)).toMatchObject({ code: 'unavailable' });
});
