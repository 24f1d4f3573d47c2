import { readFileSync } from 'node:fs';
import { parseSync } from 'vite';

/** A node of a syntax tree, as far as it is asked for here. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const files = new Map<string, Syntax>();

/** A TypeScript file, its tree and its comments. */
export class Syntax {
  readonly text: string;
  readonly program: Node;
  readonly #comments: readonly { readonly value: string; readonly start: number; readonly end: number }[];

  /** The file as it is now; read again only if it has changed. */
  static of(file: string): Syntax {
    const text = readFileSync(file, 'utf8');
    const known = files.get(file);
    if (known?.text === text) return known;
    const syntax = new Syntax(file, text);
    files.set(file, syntax);
    return syntax;
  }

  constructor(file: string, text = readFileSync(file, 'utf8')) {
    this.text = text;
    const { program, comments, errors } = parseSync(file, text, { sourceType: 'module' });
    if (errors.length > 0) throw new Error(`${file} cannot be read: ${errors[0]?.message}`);
    this.program = program as unknown as Node;
    this.#comments = comments;
  }

  /** The text of a node, without the indentation of the place where it stands. */
  textOf({ start, end }: Node): string {
    const lineStart = this.text.lastIndexOf('\n', start) + 1;
    const indentation = /^\s*/.exec(this.text.slice(lineStart))?.[0] ?? '';
    return this.text.slice(start, end).replaceAll(`\n${indentation}`, '\n');
  }

  /** The doc comment right above a node, as one paragraph. */
  commentOf({ start }: Node): string | undefined {
    const comment = this.#comments.findLast(({ end }) => end <= start);
    if (comment === undefined || this.text.slice(comment.end, start).trim() !== '') return undefined;
    if (!comment.value.startsWith('*')) return undefined;
    return comment.value
      .slice(1)
      .split('\n')
      .map((line) => line.replace(/^\s*\*? ?/, '').trim())
      .join(' ')
      .replaceAll(/\s+/g, ' ')
      .trim();
  }

  /** A declaration of the file's top level. */
  declaration(name: string): Node | undefined {
    return this.declarations().find((it) => it.name === name)?.node;
  }

  /** All that is declared at the top level: functions, constants, interfaces. */
  declarations(): { readonly name: string; readonly node: Node; readonly statement: Node }[] {
    return nodes(this.program.body).flatMap((statement) => {
      const inner = isNode(statement.declaration) ? statement.declaration : statement;
      const declared = inner.type === 'VariableDeclaration' ? nodes(inner.declarations) : [inner];
      return declared.flatMap((node) =>
        isNode(node.id) && typeof node.id.name === 'string' ? [{ name: node.id.name, node, statement }] : [],
      );
    });
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

export const nodes = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

/** The node and all that is inside of it. */
export function* within(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* within(child);
}

/** What a property or a member is called. */
export function keyOf(node: Node): string | undefined {
  const { key } = node;
  if (!isNode(key)) return undefined;
  if (typeof key.name === 'string') return key.name;
  return typeof key.value === 'string' ? key.value : undefined;
}

/** A property of an object. */
export const propertyOf = (object: Node, name: string): Node | undefined =>
  nodes(object.properties).find((it) => keyOf(it) === name);

export const valueOf = (property: Node | undefined): Node | undefined =>
  isNode(property?.value) ? property.value : undefined;
