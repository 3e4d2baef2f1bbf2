import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { RulesError } from './errors.js';
import { ExpressionFault, Inspection, type UnknownName } from './inspect.js';
import { MAX_EXPRESSION_LENGTH, type RulesType } from './language.js';

/** Values of the features by name; reused from row to row. */
export type RowValues = Record<string, number | string>;
export type RulesValue = number | bigint | boolean | string;

/** An expression that has been checked. */
export interface Expression {
  readonly type: RulesType;
  /** @throws Error of the language for a row that it cannot be computed of */
  readonly evaluate: (row: RowValues) => RulesValue;
}

const TYPES = new Set<unknown>(['double', 'int', 'bool', 'string']);

/** How the language's own errors speak. */
interface CelFailure {
  readonly code?: string;
  readonly summary?: string;
  readonly range?: { readonly start: number };
}

/**
 * Compiles the expression of one output.
 *
 * @throws RulesError with output, position and cure
 */
export function compileExpression(output: string, text: string, environment: Environment, kindOf: (name: string) => RulesType | undefined, unknown?: UnknownName): Expression {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    throw new RulesError(`${text.length} characters are more than ${MAX_EXPRESSION_LENGTH}`, { output, cure: 'Split it into several outputs, or train a model for what needs so many rules.' });
  }
  const widened = new WidenedText(text);
  try {
    const { ast } = environment.parse(text);
    const inspection = new Inspection(kindOf, unknown);
    inspection.visit(ast);
    widened.write(inspection.doubles);
  } catch (cause) {
    throw errorOf(output, cause, (offset) => offset);
  }
  try {
    return checked(environment, widened.text);
  } catch (cause) {
    throw errorOf(output, cause, (offset) => widened.originalOffset(offset));
  }
}

function checked(environment: Environment, text: string): Expression {
  const evaluate = environment.parse(text);
  const { valid, type, error } = evaluate.check();
  if (!valid) throw error!;
  if (!TYPES.has(type)) throw new ExpressionFault(`it yields ${type}, which is no output`, undefined, 'Let it yield a number, text, true or false.');
  return { type: type as RulesType, evaluate: evaluate as unknown as Expression['evaluate'] };
}

function errorOf(output: string, thrown: unknown, original: (offset: number) => number): RulesError {
  if (thrown instanceof ExpressionFault) return new RulesError(thrown.message, { output, ...positionOf(thrown.offset), cure: thrown.cure });
  const { code, summary, range } = thrown as CelFailure;
  return new RulesError(summary ?? 'it cannot be read', { output, ...positionOf(range === undefined ? undefined : original(range.start)), cure: cureOf(code, summary ?? '') });
}

const positionOf = (offset: number | undefined): { position: number } | undefined => (offset === undefined ? undefined : { position: offset + 1 });

function cureOf(code: string | undefined, summary: string): string {
  if (code === 'no_such_overload' && summary.includes('%')) return 'Only integers have a remainder: int(a) % 2.';
  if (code === 'no_such_overload' || code === 'no_matching_overload' || code === 'incompatible_ternary_branches' || code === 'heterogeneous_list_element') {
    return 'Both sides must have one type: convert with double(…), int(…) or string(…).';
  }
  if (code === 'limit_exceeded') return 'Split the expression into several outputs.';
  return 'Correct the expression; docs/serving.md has examples.';
}

/** An expression in which some integer literals are written as doubles, and the way back to where a character came from. */
class WidenedText {
  text: string;
  private edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];

  constructor(private readonly original: string) {
    this.text = original;
  }

  write(literals: Iterable<ASTNode>): void {
    this.edits = [...literals].map(({ start, end, args }) => ({ start, end, text: `${Number(args)}.0` })).sort((a, b) => a.start - b.start);
    let written = '';
    let at = 0;
    for (const { start, end, text } of this.edits) {
      written += this.original.slice(at, start) + text;
      at = end;
    }
    this.text = written + this.original.slice(at);
  }

  originalOffset(offset: number): number {
    let grown = 0;
    for (const { start, end, text } of this.edits) {
      if (offset <= start + grown) break;
      if (offset < start + grown + text.length) return start;
      grown += text.length - (end - start);
    }
    return offset - grown;
  }
}
