const SHOW_AFTER_MS = 2000;
const REPEAT_MS = 10_000;

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Says what is being waited for and for how long: on a terminal in one line that counts, elsewhere in a line now and then. */
export class Progress {
  private readonly doing = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private isLineOpen = false;

  constructor(private readonly output: Output) {}

  /** Runs `work`; what it names through its parameter is shown while it lasts, its result's line when it has succeeded. */
  async step<T>(what: string, work: (rename: (doing: string) => void) => Promise<T>, done: (result: T) => string): Promise<T> {
    const startedMs = performance.now();
    let name = what;
    const rename = (doing: string): void => {
      this.doing.delete(name);
      name = doing;
      this.doing.set(name, startedMs);
    };
    rename(what);
    this.tick();
    try {
      const result = await work(rename);
      this.doing.delete(name);
      this.line(`✓ ${done(result)} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
      return result;
    } finally {
      this.doing.delete(name);
      if (this.doing.size === 0) this.rest();
    }
  }

  /** Prints a line of its own. */
  line(text: string): void {
    this.closeLine();
    this.output.write(`${text}\n`);
  }

  private tick(): void {
    this.timer ??= setInterval(() => this.show(), this.output.isTTY ? 1000 : REPEAT_MS);
  }

  private show(): void {
    const longest = Math.max(...Array.from(this.doing.values(), (startedMs) => performance.now() - startedMs));
    if (longest < SHOW_AFTER_MS) return;
    const text = `… ${[...this.doing.keys()].join(', ')} (${Math.round(longest / 1000)} s)`;
    this.closeLine();
    this.output.write(this.output.isTTY ? text : `${text}\n`);
    this.isLineOpen = this.output.isTTY === true;
  }

  private closeLine(): void {
    if (this.isLineOpen) this.output.write('\r\x1b[K');
    this.isLineOpen = false;
  }

  private rest(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.closeLine();
  }
}
