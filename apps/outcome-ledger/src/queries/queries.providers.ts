import type { Provider } from '@nestjs/common';
import { Listing } from './listing.js';
import { Pages } from './pages.js';
import { SavedQueries } from './saved.js';

export const queryProviders: Provider[] = [Pages, Listing, SavedQueries];
