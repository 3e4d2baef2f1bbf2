import { ContractError } from '@throughline/contracts';

/** Wire types of Protocol Buffers: https://protobuf.dev/programming-guides/encoding/ */
export const VARINT = 0;
export const LENGTH_DELIMITED = 2;
const FIXED_64 = 1;
const FIXED_32 = 5;
/** Bytes of a content that does not say its length; a varint is read already. */
const WIDTHS: Readonly<Record<number, number>> = { [VARINT]: 0, [FIXED_64]: 8, [FIXED_32]: 4 };
const MAX_VARINT_BYTES = 10;
const MAX_TAG_BYTES = 5;

/** Goes through the fields of one encoded message, in place and without allocating: a graph may have millions. */
export class Fields {
  number = 0;
  wireType = 0;
  /** Where the field begins, with its tag. */
  start = 0;
  /** Where its content begins, after tag and length. */
  content = 0;
  /** What a varint says, rounded where it has more than 53 bits. */
  value = 0;

  constructor(readonly bytes: Uint8Array, private at: number, private readonly until: number) {}

  /** Where the field ends. */
  get end(): number {
    return this.at;
  }

  /** @returns whether there was another field @throws ContractError `artifact_not_onnx` */
  next(): boolean {
    if (this.at === this.until) return false;
    this.start = this.at;
    const tag = this.readVarint(MAX_TAG_BYTES);
    this.number = Math.floor(tag / 8);
    this.wireType = tag % 8;
    this.skipContent();
    if (this.number === 0 || this.at > this.until) throw broken();
    return true;
  }

  private skipContent(): void {
    this.value = 0;
    if (this.wireType === VARINT) this.value = this.readVarint(MAX_VARINT_BYTES);
    const lengthBytes = this.wireType === LENGTH_DELIMITED ? this.readVarint(MAX_VARINT_BYTES) : WIDTHS[this.wireType];
    if (lengthBytes === undefined) throw broken();
    this.content = this.at;
    this.at += lengthBytes;
  }

  private readVarint(maxBytes: number): number {
    let value = 0;
    for (let index = 0, scale = 1; index < maxBytes && this.at < this.until; index++, scale *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
    throw broken();
  }
}

/** Tag and length of a length-delimited field. */
export function fieldHeader(number: number, lengthBytes: number): Uint8Array {
  return Uint8Array.from([...varint(number * 8 + LENGTH_DELIMITED), ...varint(lengthBytes)]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

export const broken = (): ContractError => new ContractError('artifact_not_onnx', 'the bytes are not a serialised ONNX ModelProto');
