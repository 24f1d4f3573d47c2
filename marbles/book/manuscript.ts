import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Chapter } from '../diagram.ts';
import { isNode, keyOf, type Node, nodes, propertyOf, Syntax, valueOf, within } from './syntax.ts';

const BOOK = 'marbles';
const LONGEST_LINE = 78;
const SHORTEST_LINE = 24;

/** A diagram as its author wrote it. */
export interface Written {
  /** The operator as a user writes it, line by line. */
  readonly code: readonly string[];
  /** What of the chapter the code speaks of: `const cache = ...`. */
  readonly helpers: readonly string[];
}

/** The source text of one chapter: what pictures and pages show as code is what runs. */
export class Manuscript {
  /** The folder of the chapter, and what its page is called. */
  readonly folder: string;
  readonly #chapter: Chapter;
  readonly #syntax: Syntax;
  readonly #setups = new Map<unknown, Node>();

  constructor(chapter: Chapter) {
    const folder = readdirSync(BOOK, { withFileTypes: true })
      .filter((it) => it.isDirectory())
      .map(({ name }) => name)
      .filter((name) => existsSync(join(BOOK, name, 'diagrams.ts')))
      .find((name) =>
        readFileSync(join(BOOK, name, 'diagrams.ts'), 'utf8').includes(`operator: '${chapter.operator}'`),
      );
    if (folder === undefined)
      throw new Error(`No folder of ${BOOK} holds the chapter of ${chapter.operator}.`);
    this.folder = folder;
    this.#chapter = chapter;
    this.#syntax = Syntax.of(join(BOOK, folder, 'diagrams.ts'));
    for (const node of within(this.#syntax.program)) {
      if (node.type !== 'ObjectExpression') continue;
      const [title, setup] = [valueOf(propertyOf(node, 'title')), valueOf(propertyOf(node, 'setup'))];
      if (setup !== undefined) this.#setups.set(title?.value, setup);
    }
  }

  written(title: string): Written {
    const setup = this.#setupOf(title);
    const used = this.#used(setup);
    const helpers = used
      .filter(({ node }) => node.type === 'VariableDeclarator')
      .map(({ statement }) => this.#syntax.textOf(statement));
    const code = this.#code(setup).flatMap((line) => wrapped(line));
    const shown = new Set(code.join('\n').match(/\w+/g));
    return {
      code,
      helpers: helpers.filter((helper) => shown.has(/^const (\w+)/.exec(helper)?.[1] ?? '')),
    };
  }

  /**
   * The options that a diagram sets, by their path: `timeout`, `timeout.first`, and `window{type: 'count'}.size` where a
   * literal chooses the branch of a union. Those of a call's second argument begin with `call: `.
   *
   * @param makers whose argument is the config; functions of the chapter itself are shorthands for them.
   */
  options(title: string, makers: readonly string[]): ReadonlySet<string> {
    const setup = this.#setupOf(title);
    const declared = this.#syntax.declarations();
    const paths = new Set<string>();
    const constants = new Map(
      [...declared.map(({ node }) => node), ...within(setup)]
        .filter(({ type }) => type === 'VariableDeclarator')
        .map((node) => [String((node.id as Node).name), node.init]),
    );
    const add = (value: unknown, prefix: string): void => {
      if (!isNode(value)) return;
      if (value.type === 'Identifier') return add(constants.get(String(value.name)), prefix);
      if (value.type !== 'ObjectExpression') return;
      for (const property of nodes(value.properties)) {
        const name = keyOf(property);
        if (name === undefined) continue;
        paths.add(`${prefix}${name}`);
        for (const branch of ['', ...this.#branches(property.value)])
          add(property.value, `${prefix}${name}${branch}.`);
      }
    };
    for (const { type, callee, arguments: given } of within(setup)) {
      if (type !== 'CallExpression' && type !== 'NewExpression') continue;
      const name = isNode(callee) ? String(callee.name) : '';
      if (!makers.includes(name) && !declared.some((it) => it.name === name)) continue;
      const [config, call] = nodes(given);
      add(config, '');
      add(call, 'call: ');
    }
    return paths;
  }

  /** The literals of an object that may tell which branch of a union it is: `{type: 'count'}`. */
  #branches(value: unknown): string[] {
    if (!isNode(value) || value.type !== 'ObjectExpression') return [];
    return nodes(value.properties).flatMap((property) => {
      const literal = valueOf(property);
      return literal?.type === 'Literal' ? `{${keyOf(property)}: ${this.#syntax.textOf(literal)}}` : [];
    });
  }

  #setupOf(title: string): Node {
    const setup = this.#setups.get(title);
    if (setup !== undefined) return setup;
    throw new Error(`"${title}" does not stand in ${this.folder}/diagrams.ts as a plain title with a setup.`);
  }

  /** The statements before the end, and the operator itself. */
  #code(setup: Node): string[] {
    const body = isNode(setup.body) ? setup.body : setup;
    if (body.type !== 'BlockStatement') return this.#written(this.#syntax.textOf(body));
    return nodes(body.body).flatMap((statement) => {
      if (statement.type !== 'ReturnStatement') return this.#syntax.textOf(statement).split('\n');
      const result = isNode(statement.argument) ? statement.argument : statement;
      const operator =
        result.type === 'ObjectExpression' ? valueOf(propertyOf(result, 'operator')) : undefined;
      return this.#written(this.#syntax.textOf(operator ?? result));
    });
  }

  #written(operator: string): string[] {
    return (this.#chapter.written?.(operator) ?? operator).split('\n');
  }

  /** What is declared in the chapter and used by the node, directly or by something else that is. */
  #used(node: Node) {
    const declarations = this.#syntax
      .declarations()
      .filter(({ node: it }) => it.type !== 'TSInterfaceDeclaration');
    const found = new Set<(typeof declarations)[number]>();
    const visit = (visited: Node): void => {
      for (const { type, name } of within(visited)) {
        const declared = type === 'Identifier' ? declarations.find((it) => it.name === name) : undefined;
        if (declared === undefined || found.has(declared) || declared.name.endsWith('Chapter')) continue;
        found.add(declared);
        visit(declared.node);
      }
    };
    visit(node);
    return declarations.filter((it) => found.has(it));
  }
}

/** A long line, broken behind a comma, where it is least nested. */
function wrapped(line: string): string[] {
  if (line.length <= LONGEST_LINE) return [line];
  const places: { readonly at: number; readonly depth: number }[] = [];
  let depth = 0;
  for (let at = 0; at < LONGEST_LINE; at++) {
    const character = line.charAt(at);
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
    if (character === ',' && line[at + 1] === ' ' && at >= SHORTEST_LINE) places.push({ at, depth });
  }
  const least = Math.min(...places.map((place) => place.depth));
  const comma = places.findLast((place) => place.depth === least)?.at;
  if (comma === undefined) return [line];
  const indentation = `${/^\s*/.exec(line)?.[0] ?? ''}${line.startsWith('    ') ? '' : '    '}`;
  return [line.slice(0, comma + 1), ...wrapped(indentation + line.slice(comma + 2))];
}
