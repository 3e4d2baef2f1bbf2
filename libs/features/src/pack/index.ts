export { assembleRow, type AssembledRow, type RowSources } from './assemble.js';
export { tensorRow, unknownTensors } from './bind.js';
export { readNumber, toWire } from './convert.js';
export { shortestFloat32 } from './float32.js';
export { outputRow, type OutputValues } from './output-row.js';
export { allocateColumns, packRow, sliceColumns, type ColumnData, type PackedColumns } from './pack.js';
export { PackPlanError, planPacking, type PackDatatype, type PackPlan, type PlannedInput } from './plan.js';
export { isPackError, type PackCode, type PackError, type ServedFeature, type ServedSignature, type StoredFeature } from './signature.js';
export { readTensors, type TensorTable, type WireTensor } from './tensors.js';
