import { EVENT_CATEGORIES, type EventCategory } from '../../src/core/event-categories.ts';
import { EventSchemas, type EventType } from '../../src/core/events.ts';
import { isNode, keyOf, type Node, nodes, propertyOf, Syntax, valueOf } from './syntax.ts';

const FILE = 'src/core/events.ts';

/** What a listener who asks for a whole category is told of. */
const CATEGORIES: Readonly<Record<EventCategory, string>> = {
  state: 'Something that calls share is in another state than before.',
  rejection: 'A policy has kept an attempt from being made.',
  recovery: 'Something failed, and this is what follows from it.',
  error: 'Something has gone wrong, for good or for an attempt.',
  metric: 'A measurement.',
  lifecycle: 'Something begins, waits, comes, goes or ends.',
  chaos: 'A fault was made on purpose.',
};

/** `docs/events.md`: every type with its schema and the comments that stand there. */
export function eventsPage(): string {
  const syntax = new Syntax(FILE);
  const vocabulary = syntax.declaration('eventData')?.init;
  if (!isNode(vocabulary)) throw new Error(`${FILE} does not declare "eventData".`);
  const types = Object.keys(EVENT_CATEGORIES) as EventType[];

  const sectionOf = (type: EventType): string => {
    const property = propertyOf(vocabulary, type);
    const meaning = property && syntax.commentOf(property);
    if (property === undefined || meaning === undefined)
      throw new Error(`Say in ${FILE} what "${type}" means.`);
    const told = comments(syntax, property);
    const rows = Object.entries(shapeOf(shapeOf(EventSchemas[type]).data)).map(([field, schema]) => {
      const { name, optional } = typeOf(schema);
      return `| \`${field}\`${optional ? ' (may be absent)' : ''} | ${name} | ${told.get(field) ?? ''} |`;
    });
    const data =
      rows.length === 0
        ? 'No `data`.'
        : ['| `data` | type | meaning |', '| --- | --- | --- |', ...rows].join('\n');
    return [`### ${type}`, meaning, data].join('\n\n');
  };

  const categories = Object.entries(CATEGORIES).map(([category, meaning]) => {
    const members = types.filter((type) => EVENT_CATEGORIES[type] === category);
    return [`## ${category}`, meaning, ...members.map(sectionOf)].join('\n\n');
  });
  return `${[INTRODUCTION, errorsSection(), ...categories].join('\n\n')}\n`;
}

const INTRODUCTION = `<!-- Written by \`npm run docs\` from the schemas of the events. -->

# Events

Everything that a policy decides is an event on a bus, \`getEventBus()\` or one of your own. \`bus.on(…)\` takes a type or
one of the categories below. An event is safe as JSON, and \`EventSchemas\` has a schema for each type to read it back.

| every event | type | meaning |
| --- | --- | --- |
| \`type\` | string | what has happened |
| \`category\` | string | what class of events it belongs to |
| \`source\` | string | name of the policy or provider that speaks |
| \`timestamp\` | number | milliseconds since the epoch; the frame in virtual time |
| \`call\` (may be absent) | string | the call to which it happened: the caller's own \`callId\`, or one that was made |
| \`attempt\` (may be absent) | number | the attempt of that call, from 1 over all retries, alternatives and providers |
| \`data\` | object | see below |

An event that belongs to no call, such as a circuit that is opened by hand, has neither \`call\` nor \`attempt\`. All times in
\`data\` are milliseconds.`;

function errorsSection(): string {
  const syntax = new Syntax('src/core/event-parts.ts');
  const declared = syntax.declaration('ErrorSummarySchema');
  const shared = syntax.declaration('errorFields');
  const told = new Map([shared, declared].flatMap((node) => (node ? [...comments(syntax, node)] : [])));
  const error = shapeOf(EventSchemas.frame_skipped).data;
  const rows = Object.entries(shapeOf(shapeOf(error).error)).map(([field, schema]) => {
    const { name, optional } = typeOf(schema);
    return `| \`${field}\`${optional ? ' (may be absent)' : ''} | ${name} | ${told.get(field) ?? ''} |`;
  });
  return [
    '## Errors in events',
    "An `error` is told as far as it may travel: without a stack, of bounded size, with the chain of its causes. What comes from a chat provider may quote the conversation, so there the words of others are `[withheld]`, and only what this library has written itself is repeated. `new EventBus({ errorMessages: 'all' })` repeats every message.",
    ['| `error` | type | meaning |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}

/** What the comments in an object say of its fields; what it spreads is looked up. */
function comments(syntax: Syntax, node: Node): Map<string, string> {
  const told = new Map<string, string>();
  const visit = (visited: unknown): void => {
    if (!isNode(visited)) return;
    if (visited.type === 'SpreadElement') {
      const { argument } = visited;
      if (isNode(argument)) visit(syntax.declaration(String(argument.name))?.init);
      return;
    }
    if (visited.type === 'CallExpression') return nodes(visited.arguments).slice(0, 1).forEach(visit);
    if (visited.type === 'Identifier') return visit(syntax.declaration(String(visited.name))?.init);
    for (const property of nodes(visited.properties)) {
      const field = keyOf(property);
      const comment = field === undefined ? undefined : syntax.commentOf(property);
      if (field === undefined) visit(property);
      else if (comment !== undefined) told.set(field, comment);
    }
  };
  visit(valueOf(node) ?? node.init);
  return told;
}

interface Schema {
  readonly def: {
    readonly type: string;
    readonly shape?: Readonly<Record<string, Schema>>;
    readonly innerType?: Schema;
    readonly element?: Schema;
    readonly entries?: Readonly<Record<string, string>>;
    readonly values?: readonly string[];
  };
}

const shapeOf = (schema: unknown): Readonly<Record<string, Schema>> => (schema as Schema).def.shape ?? {};

/** A type as a person would write it. */
function typeOf({ def }: Schema): { readonly name: string; readonly optional?: boolean } {
  switch (def.type) {
    case 'optional':
      return { name: def.innerType ? typeOf(def.innerType).name : '', optional: true };
    case 'enum':
    case 'literal':
      return {
        name: (def.values ?? Object.values(def.entries ?? {})).map((value) => `\`${value}\``).join(', '),
      };
    case 'array':
      return { name: `array of ${def.element ? plural(typeOf(def.element).name) : ''}` };
    case 'object':
      return { name: 'message' in shapeOf({ def }) ? '[error](#errors-in-events)' : objectOf({ def }) };
    default:
      return { name: def.type };
  }
}

const plural = (name: string): string => name.replace('[error]', '[errors]');

const objectOf = (schema: Schema): string =>
  Object.entries(shapeOf(schema))
    .map(([field, inner]) => `\`${field}\`${typeOf(inner).optional ? '?' : ''}`)
    .join(', ');
