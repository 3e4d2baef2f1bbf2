import { ContractError } from '@throughline/contracts';

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** The fields of a request, from its JSON body or its query, read with their types. Null is absent, as in Protocol Buffers. */
export class Params {
  private readonly fields: Readonly<Record<string, unknown>>;

  /** @throws ContractError `invalid_request` when it is no object */
  constructor(body: unknown) {
    if (body === undefined || body === null) body = {};
    if (typeof body !== 'object' || Array.isArray(body)) throw wrong('the request', 'a JSON object');
    this.fields = body as Record<string, unknown>;
  }

  /** @throws ContractError `invalid_request` when it is missing, empty or no text */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === '') throw new ContractError('invalid_request', `Missing value for required parameter '${name}'`, { cure: 'Send it.' });
    return value;
  }

  text(name: string): string | undefined {
    const value = this.field(name);
    // Versions, experiments and runs are text, and people write numbers.
    if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
    if (value === undefined || typeof value === 'string') return value;
    throw wrong(name, 'text');
  }

  /** A text that something is kept under. @throws ContractError `invalid_request` when it is longer than an index takes */
  key(name: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined && value.length > MAX_KEY_LENGTH) throw new ContractError('invalid_request', `'${name}' has more than ${MAX_KEY_LENGTH} characters: “${value.slice(0, 60)}…”`, { cure: 'Shorten it.' });
    return value;
  }

  integer(name: string): number | undefined {
    const value = this.field(name);
    if (value === undefined || value === '') return undefined;
    const number = typeof value === 'string' && /^[+-]?\d{1,16}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
    throw wrong(name, 'an integer');
  }

  /** Also NaN and the infinities, which JSON writes as text. */
  number(name: string): number {
    const value = this.field(name);
    if (value === undefined) throw new ContractError('invalid_request', `Missing value for required parameter '${name}'`, { cure: 'Send it.' });
    if (typeof value === 'number') return value;
    const text = String(value).trim();
    if (typeof value === 'string' && /^(NaN|-?Infinity|[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)$/i.test(text)) return Number(text.replace(/^nan$/i, 'NaN').replace(/infinity/i, 'Infinity'));
    throw wrong(name, 'a number');
  }

  flag(name: string): boolean {
    const value = this.field(name);
    if (value === undefined || value === false || value === 'false') return false;
    if (value === true || value === 'true') return true;
    throw wrong(name, 'true or false');
  }

  /** @param max also the default */
  limit(name: string, fallback: number, max: number): number {
    const value = this.integer(name);
    if (value === undefined || value === 0) return fallback;
    if (value < 0 || value > max) throw new ContractError('invalid_request', `Invalid value ${value} for parameter '${name}': it must be at least 1 and at most ${max}`, { cure: 'Ask for less at once, and for the next page.' });
    return value;
  }

  /** In a query one value is no array. */
  texts(name: string): string[] {
    const value = this.field(name);
    if (value === undefined) return [];
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values.map((one) => {
      if (typeof one !== 'string') throw wrong(name, 'an array of texts');
      return checkText(name, one);
    });
  }

  objects(name: string, max: number): Params[] {
    const value = this.field(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw wrong(name, 'an array');
    if (value.length > max) throw new ContractError('invalid_request', `'${name}' has ${value.length} entries, ${max} are allowed at once`, { cure: 'Send several requests.' });
    return value.map((one) => new Params(one));
  }

  object(name: string): Params {
    return new Params(this.field(name));
  }

  keyValues(name: string, max = 1000): KeyValue[] {
    return this.objects(name, max).map((one) => one.keyValue());
  }

  keyValue(): KeyValue {
    const key = this.required('key');
    if (key.length > MAX_KEY_LENGTH) throw new ContractError('invalid_request', `the key “${key.slice(0, 60)}…” has more than ${MAX_KEY_LENGTH} characters`, { cure: 'Shorten it.' });
    const value = this.text('value') ?? '';
    if (value.length > MAX_VALUE_LENGTH) throw new ContractError('invalid_request', `the value of “${key}” has more than ${MAX_VALUE_LENGTH} characters`, { cure: 'Log it as an artifact.' });
    return { key, value };
  }

  private field(name: string): unknown {
    const value = Object.hasOwn(this.fields, name) ? this.fields[name] : undefined;
    return typeof value === 'string' ? checkText(name, value) : (value ?? undefined);
  }
}

const MAX_KEY_LENGTH = 250;
const MAX_VALUE_LENGTH = 8000;

/** PostgreSQL stores no NUL, and text of half a pair of surrogates is none. */
function checkText(name: string, text: string): string {
  if (text.includes('\0') || !text.isWellFormed()) throw wrong(name, 'text without NUL and half characters');
  return text;
}

const wrong = (name: string, wanted: string): ContractError => new ContractError('invalid_request', `Invalid value for parameter '${name}': it must be ${wanted}`, { cure: 'Compare the call with MLflow’s REST API.' });
