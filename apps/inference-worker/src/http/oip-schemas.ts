import { apiSchema } from '@throughline/http';
import { InferRequest } from '../domain/oip/infer-request.js';

const text = { type: 'string' };
const tensorSpec = { type: 'object', required: ['name', 'datatype', 'shape'], properties: { name: text, datatype: text, shape: { type: 'array', items: { type: 'integer' }, description: '-1 for any size' } } };
const object = (properties: Record<string, object>, optional: Record<string, object> = {}): object => ({ type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } });

export const SERVER = apiSchema({
  ...object({ name: text, version: text, extensions: { type: 'array', items: text } }),
  example: { name: 'throughline', version: '0.1.0', extensions: [] },
});
export const LIVE = apiSchema({ ...object({ live: { type: 'boolean' } }), example: { live: true } });
export const READY = apiSchema({ ...object({ ready: { type: 'boolean' } }), example: { ready: true } });
export const MODEL_READY = apiSchema({ ...object({ name: text, ready: { type: 'boolean' } }), example: { name: 'flight-delay', ready: true } });

export const METADATA = apiSchema({
  ...object({
    name: text, versions: { type: 'array', items: text }, platform: text, inputs: { type: 'array', items: tensorSpec }, outputs: { type: 'array', items: tensorSpec },
    parameters: object({}, { features: { type: 'array', items: { type: 'object' } }, entities: { type: 'object', additionalProperties: text } }),
  }),
  example: {
    name: 'flight-delay', versions: ['1'], platform: 'onnx_onnxv1', inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
    parameters: { features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }] },
  },
});

export const INFER_REQUEST = apiSchema(InferRequest);
export const INFER_EXAMPLES = {
  flight: {
    summary: 'one row, a tensor a feature',
    value: {
      id: 'my-request',
      inputs: [{ name: 'hour', shape: [1], datatype: 'FP32', data: [17] }, { name: 'distance', shape: [1], datatype: 'FP32', data: [337] }],
      parameters: { entities: { origin: 'SFO', destination: 'LAX' }, occurred_at: '2001-02-03T04:05:06Z', routing_key: 'flight-42' },
    },
  },
  flights: { summary: 'two rows, one tensor of the model’s input', value: { inputs: [{ name: 'input', shape: [2, 2], datatype: 'FP32', data: [17, 337, 9, 2586] }] } },
};

export const INFER_RESPONSE = apiSchema({
  ...object({
    model_name: text, model_version: text, id: text,
    parameters: object(
      { prediction_ids: { type: 'array', items: { type: 'string', format: 'uuid' }, description: 'under which the rows are on record' }, role: text, assignment_revision: { type: 'integer' } },
      {
        fallbacks: { type: 'array', items: { type: ['string', 'null'] }, description: 'for each row the kind of fallback that answered; absent when none did' },
        ignored_inputs: { type: 'array', items: text }, unknown_entities: { type: 'array', items: text },
      },
    ),
    outputs: { type: 'array', items: object({ name: text, datatype: text, shape: { type: 'array', items: { type: 'integer' } }, data: { type: 'array' } }) },
  }),
  example: {
    model_name: 'flight-delay', model_version: '1', id: 'my-request', parameters: { prediction_ids: ['7b76029e-19dc-5779-9358-6c2488af76f8'], role: 'champion', assignment_revision: 1 },
    outputs: [{ name: 'probability', datatype: 'FP32', shape: [1, 1], data: [0.83] }],
  },
});
