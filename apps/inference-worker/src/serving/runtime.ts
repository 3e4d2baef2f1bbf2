import { RULES_LANGUAGE } from '@throughline/rules';
import { env } from 'onnxruntime-node';

/** Threads inside an operator: results are the same bits only at the same count, so it belongs to the record. */
export const INTRA_OP_THREADS = 1;

/** What computed an answer, for whoever recomputes it weeks later. */
export const RUNTIME = `onnxruntime-node ${env.versions.node ?? env.versions.common} cpu, ${INTRA_OP_THREADS} thread`;

/** The same for rules: their functions are JavaScript's. */
export const RULES_RUNTIME = `rules, ${RULES_LANGUAGE}, node ${process.versions.node}`;
