import type { ASTNode } from '@marcbachmann/cel-js';
import { FUNCTIONS, MAX_DEPTH, METHODS, type RulesType } from './language.js';

/** What is wrong with an expression, at a character from 0. */
export class ExpressionFault extends Error {
  override readonly name = 'ExpressionFault';

  constructor(reason: string, readonly offset: number | undefined, readonly cure: string) {
    super(reason);
  }
}

export type UnknownName = (name: string) => { readonly reason: string; readonly cure: string };

const unknownFeature: UnknownName = (name) => ({ reason: `there is no feature “${name}”`, cure: 'Correct the name, or add the feature to “features”; text belongs in quotes.' });

/** `literal`: made of nothing but integer literals, which still may become doubles. */
interface Inferred {
  readonly type: RulesType | 'literal' | 'unknown';
  readonly literals: readonly ASTNode[];
}

const UNKNOWN: Inferred = { type: 'unknown', literals: [] };
const of = (type: RulesType): Inferred => ({ type, literals: [] });

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
const ARITHMETIC = new Set(['+', '-', '*', '/', '%']);

/**
 * Walks an expression: refuses what the language of rules leaves out, and finds the integer literals that meet a double. CEL has no
 * mixed arithmetic, so that `hour + 1` would be an error; whoever writes it means 1.0.
 */
export class Inspection {
  /** Literals to be written as doubles. */
  readonly doubles = new Set<ASTNode>();

  /** @param unknown says that there is no such name */
  constructor(
    private readonly kindOf: (name: string) => RulesType | undefined,
    private readonly unknown: UnknownName = unknownFeature,
  ) {}

  visit(node: ASTNode, depth = 0): Inferred {
    if (depth > MAX_DEPTH) throw new ExpressionFault(`it is nested deeper than ${MAX_DEPTH}`, node.start, 'Split the expression into several outputs, or group long chains with brackets.');
    const { op } = node;
    const below = (child: ASTNode): Inferred => this.visit(child, depth + 1);
    if (op === 'value') return inferLiteral(node);
    if (op === 'id') return this.inferName(node);
    if (op === '!_') return below(node.args as ASTNode), of('bool');
    if (op === '-_') return below(node.args as ASTNode);
    if (op === 'call' || op === 'rcall') return this.inferCall(node, below);
    if (op === 'in') return this.inferMembership(node, below);
    if (op === '?:') return this.inferTernary(node, below);
    return this.inferBinary(node, below);
  }

  private inferName({ args, start }: ASTNode): Inferred {
    const kind = this.kindOf(args as string);
    if (kind === undefined) {
      const { reason, cure } = this.unknown(args as string);
      throw new ExpressionFault(reason, start, cure);
    }
    return of(kind);
  }

  private inferBinary({ op, args, start }: ASTNode, below: (child: ASTNode) => Inferred): Inferred {
    const isLogical = op === '&&' || op === '||';
    if (!isLogical && !COMPARISONS.has(op) && !ARITHMETIC.has(op)) throw new ExpressionFault(`“${op}” is not part of the language`, start, 'Use arithmetic, comparisons, &&, ||, !, ?:, in and the functions of docs/serving.md.');
    const [left, right] = (args as [ASTNode, ASTNode]).map(below) as [Inferred, Inferred];
    if (isLogical) return of('bool');
    const met = this.meet(left, right);
    return ARITHMETIC.has(op) ? met : of('bool');
  }

  private inferTernary({ args }: ASTNode, below: (child: ASTNode) => Inferred): Inferred {
    const [condition, whenTrue, whenFalse] = args as [ASTNode, ASTNode, ASTNode];
    below(condition);
    return this.meet(below(whenTrue), below(whenFalse));
  }

  private inferMembership({ args }: ASTNode, below: (child: ASTNode) => Inferred): Inferred {
    const [value, list] = args as [ASTNode, ASTNode];
    if (list.op !== 'list') throw new ExpressionFault('“in” takes a list such as ["AA", "DL"]', list.start, 'Write the list out.');
    (list.args as ASTNode[]).map(below).reduce((met, element) => this.meet(met, element), below(value));
    return of('bool');
  }

  private inferCall({ op, args, start }: ASTNode, below: (child: ASTNode) => Inferred): Inferred {
    const [name, ...rest] = args as [string, ...unknown[]];
    const table = op === 'call' ? FUNCTIONS : METHODS;
    if (!Object.hasOwn(table, name)) throw new ExpressionFault(`there is no function “${name}”`, start, `There are ${Object.keys(FUNCTIONS).join(', ')}, and of text ${Object.keys(METHODS).join(', ')}.`);
    const { result, takesDoubles } = table[name]!;
    for (const inferred of (rest.flat() as ASTNode[]).map(below)) if (takesDoubles === true) this.widen(inferred);
    return of(result);
  }

  /** The type that both have; literals take the other's. */
  private meet(left: Inferred, right: Inferred): Inferred {
    if (left.type === 'literal' && right.type === 'literal') return { type: 'literal', literals: [...left.literals, ...right.literals] };
    if (left.type === 'literal') return this.met(right, left);
    if (right.type === 'literal') return this.met(left, right);
    return left.type === right.type ? left : UNKNOWN;
  }

  private met(fixed: Inferred, literal: Inferred): Inferred {
    if (fixed.type === 'double') this.widen(literal);
    return fixed;
  }

  private widen({ type, literals }: Inferred): void {
    if (type === 'literal') for (const literal of literals) this.doubles.add(literal);
  }
}

function inferLiteral(node: ASTNode): Inferred {
  switch (typeof node.args) {
    case 'bigint':
      return { type: 'literal', literals: [node] };
    case 'number':
      return of('double');
    case 'string':
      return of('string');
    case 'boolean':
      return of('bool');
    default:
      throw new ExpressionFault('only numbers, text, true and false can be written out', node.start, 'Leave out null, bytes and unsigned integers.');
  }
}
