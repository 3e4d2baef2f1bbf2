import type { Provider } from '@nestjs/common';
import { EntityRoles } from './entity-roles.js';
import { Erasures } from './erasures.js';
import { Proofs } from './proof.js';
import { Tombstones } from './tombstones.js';

export const erasureProviders: Provider[] = [Tombstones, EntityRoles, Erasures, Proofs];
