import { cpus } from 'node:os';
import { env } from 'onnxruntime-node';

/** Threads inside an operator: results are the same bits only at the same count, so it belongs to the record. */
export const INTRA_OP_THREADS = 1;

/** Which kernels run, and so which bits come out, is decided by the CPU. */
const cpuName = (): string => `${cpus()[0]?.model.trim() || 'unknown cpu'} ${process.arch}`;

/** What computes answers here, for whoever recomputes one weeks later. */
export const ONNX_RUNTIME = `onnxruntime-node ${env.versions.node ?? env.versions.common} cpu, ${INTRA_OP_THREADS} thread, ${cpuName()}`;
