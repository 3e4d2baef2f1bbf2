import { apiSchema } from '@throughline/http';

const count = { type: 'integer', minimum: 0 };
const hex = (digits: number, description: string): object => ({ type: 'string', pattern: `^[0-9a-f]{${digits}}$`, description });

export const EMITTED_TRACE = apiSchema({
  type: 'object',
  required: ['predictionId', 'traceId', 'spanId', 'spans', 'outcomes'],
  properties: {
    predictionId: { type: 'string', format: 'uuid' }, traceId: hex(32, 'look for it in the tracing backend'), spanId: hex(16, 'of the scoring'),
    spans: { ...count, description: 'on their way to the endpoint' }, outcomes: { ...count, description: 'of these spans, one an outcome; corrections and what they supersede count' },
  },
  example: { predictionId: '7b76029e-19dc-5779-9358-6c2488af76f8', traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', spans: 7, outcomes: 1 },
});
