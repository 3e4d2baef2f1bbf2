import { PassThrough, type Readable } from 'node:stream';
import { once } from 'node:events';
import { ByteWriter, parquetWriteRows, type BasicType } from 'hyparquet-writer';

const ROW_GROUP_ROWS = 10_000;

/** Hands each finished row group to a stream and waits when its reader is slow: memory holds one row group, however long the export. */
class StreamWriter extends ByteWriter {
  constructor(private readonly stream: PassThrough) {
    super(1024 * 1024);
  }

  async flush(): Promise<void> {
    const bytes = Buffer.from(this.getBuffer());
    this.index = 0;
    if (!this.stream.write(bytes)) await once(this.stream, 'drain');
  }

  override finish(): void {
    this.stream.end(Buffer.from(this.getBuffer()));
  }
}

export interface ParquetColumn {
  readonly name: string;
  readonly type: BasicType;
}

/** Rows as a Parquet file (Snappy), encoded as they are read. The stream fails when the rows do. */
export function parquetStream(columns: readonly ParquetColumn[], rows: AsyncIterable<Readonly<Record<string, unknown>>>): Readable {
  const stream = new PassThrough();
  const work = async (): Promise<void> => {
    await parquetWriteRows({ writer: new StreamWriter(stream), rows, columns: columns.map(({ name, type }) => ({ name, type, nullable: true })), rowGroupSize: ROW_GROUP_ROWS });
  };
  work().catch((error: Error) => stream.destroy(error));
  return stream;
}
