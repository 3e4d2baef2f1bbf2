import { Ledger1763700000000 } from './migrations/1-ledger.js';
import { Explained1764300000000 } from './migrations/2-explained.js';
import { InsteadOf1764410000000 } from './migrations/3-instead-of.js';
import { JoinRevision1764420000000 } from './migrations/4-join-revision.js';
import { ToldRevision1764433000000 } from './migrations/5-told-revision.js';
import { Erasure1764300800002 } from '../erasure/migration.js';
import { Queries1764300800003 } from '../queries/migration.js';
import { Published1764310000000 } from '../tracing/migration.js';
import { Privacy1764300800001 } from '../privacy/migration.js';
import { Declared1764380000000 } from '../outcomes/migration.js';
import { Labels1764381000000 } from '../labels/migration.js';
import { Retention1764382000000 } from '../retention/migration.js';
import { BacktestAttempts1764431000000 } from '../backtest/attempts-migration.js';
import { Backtests1764371000000 } from '../backtest/migration.js';
import { Spending1764370000000 } from '../costs/migration.js';
import { Rebuilds1764384000000 } from '../rebuild/migration.js';
import { Books1764383000000 } from '../books/migration.js';
import { Epochs1764430000000 } from '../books/epochs-migration.js';
import { Unfit1764432000000 } from '../books/unfit-migration.js';
import { Assignment1764400000000 } from '../story/migration.js';

/** In the order of the times at the end of their names. */
export const LEDGER_MIGRATIONS = [Ledger1763700000000, Explained1764300000000, Privacy1764300800001, Erasure1764300800002, Queries1764300800003, Published1764310000000, Spending1764370000000, Backtests1764371000000, Declared1764380000000, Labels1764381000000, Retention1764382000000, Books1764383000000, Rebuilds1764384000000, Assignment1764400000000, InsteadOf1764410000000, JoinRevision1764420000000, Epochs1764430000000, BacktestAttempts1764431000000, Unfit1764432000000, ToldRevision1764433000000];
