import { ContractError, type ModelSignature } from '@throughline/contracts';
import { parse, stringify } from 'yaml';

/** A column of the signature that a model was logged with. */
export interface Column {
  readonly name: string;
  readonly isText: boolean;
}

/** What the file `MLmodel` beside a model says. */
export interface MlModel {
  /** The ONNX file, relative to the folder. */
  readonly file: string;
  /** Column-based signature. */
  readonly columns?: readonly Column[];
  /** Tensor-based signature of one nameless matrix: its width. */
  readonly width?: number;
  readonly runId?: string;
  readonly mlflowVersion?: string;
}

export const MLMODEL = 'MLmodel';
export const ONNX_FILE = 'model.onnx';
/** YAML's aliases can make little text large; looking for keys that come twice, and drawing every error, take the square of its length. */
const PARSE_OPTIONS = { maxAliasCount: 50, uniqueKeys: false, prettyErrors: false } as const;
const MAX_COLUMNS = 10_000;

/**
 * Reads an `MLmodel` file.
 *
 * @throws ContractError `invalid_request` for one that is unreadable, or of no ONNX model
 */
export function readMlModel(text: string): MlModel {
  const document = parseYaml(text);
  const flavors = objectOf(document['flavors']);
  const onnx = objectOf(flavors['onnx']);
  const file = onnx['data'];
  if (typeof file !== 'string') {
    const names = Object.keys(flavors).filter((name) => name !== 'python_function').slice(0, 5).join(', ');
    throw new ContractError('invalid_request', `the model is not logged as ONNX but as ${names === '' ? 'nothing known' : names}`, {
      cure: 'Models are served from ONNX: convert it (skl2onnx, onnxmltools, torch.onnx) and log it with mlflow.onnx.log_model.',
    });
  }
  const runId = document['run_id'];
  const mlflowVersion = document['mlflow_version'];
  return {
    file, ...readInputs(objectOf(document['signature'])['inputs']),
    ...(typeof runId === 'string' ? { runId } : {}), ...(typeof mlflowVersion === 'string' ? { mlflowVersion } : {}),
  };
}

function parseYaml(text: string): Record<string, unknown> {
  try {
    return objectOf(parse(text, PARSE_OPTIONS));
  } catch (cause) {
    throw new ContractError('invalid_request', `the file ${MLMODEL} is not YAML`, { cause, cure: 'Log the model again with mlflow.onnx.log_model.' });
  }
}

/** Inputs are JSON within YAML: columns with names and types, or tensors with shapes. */
function readInputs(json: unknown): Pick<MlModel, 'columns' | 'width'> {
  const specs = typeof json === 'string' ? parseJson(json) : undefined;
  if (!Array.isArray(specs) || specs.length === 0 || specs.length > MAX_COLUMNS) return {};
  const inputs = specs.map(objectOf);
  if (inputs.every(({ name, type }) => typeof name === 'string' && typeof type === 'string')) return { columns: inputs.map(toColumn) };
  const shape = objectOf(inputs[0]!['tensor-spec'])['shape'];
  const width: unknown = inputs.length === 1 && Array.isArray(shape) && shape.length === 2 ? shape[1] : undefined;
  return typeof width === 'number' && width > 0 && width <= MAX_COLUMNS ? { width } : {};
}

/** A named tensor of one value a row is a column too. */
const toColumn = (input: Record<string, unknown>): Column => {
  const datatype = input['type'] === 'tensor' ? objectOf(input['tensor-spec'])['dtype'] : input['type'];
  return { name: input['name'] as string, isText: /^(string|str|object|U\d*|<U\d+|binary)$/.test(String(datatype)) };
};

const parseJson = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

const objectOf = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {});

/** MLflow's name for an element type, and NumPy's. */
const TYPES: Readonly<Record<string, string>> = { FP32: 'float32', FP64: 'float64', INT64: 'int64', INT32: 'int32', BOOL: 'bool', BYTES: 'str' };

/** Writes the `MLmodel` of a version that came without one, so that `mlflow.onnx.load_model` and `mlflow.pyfunc.load_model` load it. */
export function writeMlModel({ inputs, outputs }: ModelSignature, createdAt: Date): string {
  const tensor = ({ name, datatype, shape }: ModelSignature['inputs'][number]) => ({ name, type: 'tensor', 'tensor-spec': { dtype: TYPES[datatype] ?? 'object', shape: shape.length === 0 ? [-1] : shape } });
  return stringify({
    flavors: {
      onnx: { data: ONNX_FILE, onnx_version: '1.16.0', providers: ['CPUExecutionProvider'], code: null, onnx_session_options: null },
      python_function: { data: ONNX_FILE, loader_module: 'mlflow.onnx', env: {} },
    },
    signature: { inputs: JSON.stringify(inputs.map(tensor)), outputs: JSON.stringify(outputs.map(tensor)), params: null },
    utc_time_created: createdAt.toISOString().replace('T', ' ').replace('Z', ''),
  });
}
