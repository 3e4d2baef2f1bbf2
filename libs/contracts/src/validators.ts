import { Ajv, type ValidateFunction } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { TOPICS, type EventData, type EventTopic } from './topics.js';

// ajv-formats is CommonJS: under nodenext its function is the namespace's default.
const addFormats = addFormatsModule as unknown as (ajv: Ajv, options: { mode: 'fast'; formats: string[] }) => void;

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });
addFormats(ajv, { mode: 'fast', formats: ['uuid'] });
/**
 * RFC 3339, narrow enough that `Date.parse` reads whatever it accepts. The fast format of ajv-formats lets a thirteenth month through, which is
 * NaN to everybody who computes with it. Date.parse itself would cost as much as a third of a request's validation.
 */
const INSTANT = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;
ajv.addFormat('date-time', INSTANT);

/** Whether the text is an instant as events carry them; for whoever takes one in by another door. */
export const isInstant = (text: string): boolean => INSTANT.test(text);

const compiled = new Map<EventTopic, ValidateFunction>();

function validatorOf(topic: EventTopic): ValidateFunction {
  let validate = compiled.get(topic);
  if (validate === undefined) {
    validate = ajv.compile(TOPICS[topic].schema);
    compiled.set(topic, validate);
  }
  return validate;
}

/** `undefined` if `data` is an event of `topic`; else the reason, naming the field. Unknown fields are allowed. */
export function whyInvalid(topic: EventTopic, data: unknown): string | undefined {
  const validate = validatorOf(topic);
  if (validate(data)) return undefined;
  const error = validate.errors?.[0];
  return `${error?.instancePath === '' || error === undefined ? 'data' : `data${error.instancePath.replaceAll('/', '.')}`} ${error?.message ?? 'is invalid'}`;
}

export function isValid<T extends EventTopic>(topic: T, data: unknown): data is EventData<T> {
  return validatorOf(topic)(data) === true;
}
