import { Type, type TSchema } from '@sinclair/typebox';

/** RFC 3339 instant with zone. */
export const Instant = (description: string) => Type.String({ format: 'date-time', description });
export const Name = (description: string) => Type.String({ minLength: 1, maxLength: 200, description });
export const Uuid = (description: string) => Type.String({ format: 'uuid', description });
export const Optional = <T extends TSchema>(schema: T) => Type.Optional(schema);

/** A feature value on the wire: integers beyond 2^53, NaN and infinities travel as strings; null means missing. */
export const FeatureValue = Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]);

export const Role = Type.Union(
  [Type.Literal('champion'), Type.Literal('challenger'), Type.Literal('shadow'), Type.Literal('pinned')],
  { description: 'why this version answered' },
);
export const Lane = Type.Union([Type.Literal('stream'), Type.Literal('batch'), Type.Literal('http')], {
  description: 'how the request came',
});

/** One tensor of the Open Inference Protocol; on topics its first dimension is 1. */
export const Tensor = Type.Object({
  name: Name('name of the tensor'),
  shape: Type.Array(Type.Integer({ minimum: 0 })),
  datatype: Type.String({ description: 'FP32, FP64, INT64, INT32, BOOL or BYTES' }),
  data: Type.Array(Type.Any()),
  parameters: Optional(Type.Record(Type.String(), Type.Any())),
});

/** Who asked, and which message it was. */
export const requestIdentity = {
  predictionId: Uuid('UUIDv5 of the request’s source and id'),
  requestSource: Type.String({ description: 'CloudEvents source of the request' }),
  requestId: Type.String({ description: 'CloudEvents id of the request' }),
  row: Optional(Type.Integer({ minimum: 0, description: 'row of a request with several rows' })),
  attempt: Optional(Type.Integer({ minimum: 0, description: 'raised only by a dead-letter replay' })),
  lane: Lane,
  team: Optional(Type.String()),
  routingKey: Optional(Type.String()),
  entities: Optional(Type.Record(Type.String(), Type.String())),
  occurredAt: Instant('event time of the request'),
  requestedAt: Instant('processing time: the Kafka timestamp of the request, or its receipt over HTTP'),
  requestCoordinates: Optional(Type.String({ description: 'topic/partition/offset of the request' })),
  parentSpanId: Optional(Type.String({ description: 'span that asked, in the trace of this answer, 16 hexadecimal digits; absent when the trace begins with the answer' })),
};
