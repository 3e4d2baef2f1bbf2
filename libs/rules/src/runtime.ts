import { RULES_LANGUAGE } from './language.js';

/** What computes the answers of rules documents here, for whoever recomputes one: their functions are JavaScript's. */
export const RULES_RUNTIME = `rules, ${RULES_LANGUAGE}, node ${process.versions.node}`;
