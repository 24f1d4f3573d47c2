import { isNode, keyOf, type Node, nodes, Syntax, within } from './syntax.ts';

/** A row of a table of options. */
export interface Option {
  readonly name: string;
  /** The name, and which branch of a union it is in: `window{type: 'count'}.size`. */
  readonly path: string;
  readonly type: string;
  readonly default: string;
  readonly meaning: string;
}

/** Where the config of an operator is written, and where the options that it takes over are. */
export interface ConfigSource {
  readonly schema: string;
  readonly file: string;
  readonly inherits?: readonly ConfigSource[];
  /** Another file whose interfaces say what the options mean. */
  readonly commentsIn?: string;
  /** Options that are no user's: what a provider tells the next one inside. */
  readonly handsOn?: readonly string[];
  /** Options that are configs themselves, whose parts are told here. */
  readonly parts?: Readonly<Record<string, ConfigSource>>;
}

/** The config of an operator, and what may be said in its second argument, or for a single call. */
export interface OperatorConfig extends ConfigSource {
  readonly call?: ConfigSource & { readonly heading: string };
}

const DEMAND: ConfigSource = { schema: 'DemandSchema', file: 'src/core/demand.ts' };
const RATE_LIMIT_OPTIONS: ConfigSource = {
  schema: 'RateLimitOptionsSchema',
  file: 'src/rate-limit/rate-limit-options.ts',
  inherits: [DEMAND],
};
const ASKED = 'What each subscription asks, as the second argument:';
const TIMEOUT: ConfigSource = { schema: 'TimeoutConfigSchema', file: 'src/timeout/timeout-config.ts' };
const RESILIENCE: ConfigSource = {
  schema: 'ResilienceConfigSchema',
  file: 'src/pipeline/resilience-config.ts',
  inherits: [RATE_LIMIT_OPTIONS],
  parts: { timeout: TIMEOUT },
};
const CHAT_TIMEOUT: ConfigSource = { schema: 'ChatTimeoutSchema', file: 'src/chat/clocks.ts' };

/** By the operator of the chapter. */
export const CONFIGS: Readonly<Record<string, OperatorConfig>> = {
  circuitBreaker: { schema: 'CircuitBreakerConfigSchema', file: 'src/circuit-breaker/config.ts' },
  bulkhead: {
    schema: 'BulkheadConfigSchema',
    file: 'src/bulkhead/bulkhead.ts',
    call: { ...DEMAND, heading: ASKED },
  },
  rateLimit: {
    schema: 'RateLimiterConfigSchema',
    file: 'src/rate-limit/rate-limiter-config.ts',
    call: { ...RATE_LIMIT_OPTIONS, heading: ASKED },
  },
  adaptiveConcurrency: {
    schema: 'AdaptiveConcurrencyConfigSchema',
    file: 'src/adaptive-concurrency/config.ts',
  },
  adaptiveThrottle: {
    schema: 'AdaptiveThrottleConfigSchema',
    file: 'src/adaptive-throttle/adaptive-throttle.ts',
  },
  chaos: { schema: 'ChaosConfigSchema', file: 'src/chaos/chaos-config.ts' },
  timeout: TIMEOUT,
  retryWithBackoff: { schema: 'RetryConfigSchema', file: 'src/retry/retry-config.ts' },
  fallback: { schema: 'FallbackConfigSchema', file: 'src/fallback/fallback-config.ts' },
  hedge: { schema: 'HedgeConfigSchema', file: 'src/hedge/hedge-config.ts' },
  resilience: RESILIENCE,
  ResilientProvider: {
    schema: 'ResilientProviderConfigSchema',
    file: 'src/chat/resilient-config.ts',
    inherits: [RESILIENCE],
    parts: { timeout: CHAT_TIMEOUT },
    call: {
      schema: 'CallOptionsSchema',
      file: 'src/chat/resilient-config.ts',
      commentsIn: 'src/chat/provider.ts',
      handsOn: ['attempt', 'resume', 'checkpoint', 'headersReceived', 'keepAliveReceived', 'limitsReported'],
      heading: 'For a single call:',
    },
  },
  HealthChecker: { schema: 'HealthCheckerConfigSchema', file: 'src/health/config.ts' },
};

const COMMON = { file: 'src/core/config.ts', declaration: 'commonOptions' };

/** What every policy takes. */
export const commonOptions = (): Option[] => {
  const syntax = Syntax.of(COMMON.file);
  return optionsIn(syntax, syntax.declaration(COMMON.declaration), new Map());
};

/** All further options of a config, those of its parts as `part.option`. */
export function optionsOf(config: ConfigSource): Option[] {
  const { schema, file, commentsIn, inherits = [], handsOn = [], parts = {} } = config;
  const syntax = Syntax.of(file);
  const inherited = inherits.flatMap(optionsOf);
  const interfaces = [
    ...(commentsIn === undefined ? [] : interfacesOf(Syntax.of(commentsIn))),
    ...interfacesOf(syntax),
  ];
  const members = membersOf(schema.replace(/Schema$/, ''), new Map(interfaces));
  const common = new Set(commonOptions().map(({ name }) => name));
  return optionsIn(syntax, syntax.declaration(schema), members)
    .filter(({ name }) => !handsOn.includes(name))
    .map((option) => {
      if (option.meaning !== '') return option;
      const known = inherited.find(({ name }) => name === option.name);
      if (known === undefined) throw new Error(`${schema}: the option "${option.name}" has no doc comment.`);
      return known;
    })
    .flatMap((option) => {
      const part = parts[option.name];
      if (part === undefined) return [option];
      const own = optionsOf(part).filter(({ name }) => !common.has(name));
      return [option, ...own.map((it) => partOf(option.name, it))];
    });
}

/** An option of a part, as the whole names it. */
const partOf = (part: string, option: Option, branch = ''): Option => ({
  ...option,
  name: `${part}.${option.name}`,
  path: `${part}${branch}.${option.path}`,
});

/** What an interface, and those that it extends, say about an option: their types are those that a user sees. */
function membersOf(name: string, interfaces: ReadonlyMap<string, Interface>): Map<string, Member> {
  const own = interfaces.get(name);
  if (own === undefined) return new Map();
  const extended = own.extended.flatMap((other) => [...membersOf(other, interfaces)]);
  return new Map([...extended, ...own.members]);
}

/** The interfaces of a file, by their names. */
const interfacesOf = (syntax: Syntax): [name: string, Interface][] =>
  syntax
    .declarations()
    .filter(({ node }) => node.type === 'TSInterfaceDeclaration')
    .map(({ name, node }) => {
      const body = isNode(node.body) ? nodes(node.body.body) : [];
      // Also of `extends Pick<Other, …>`.
      const extended = nodes(node.extends).flatMap((clause) => syntax.textOf(clause).match(/\w+/g) ?? []);
      return [name, { extended, members: body.map((member) => memberOf(syntax, member)) }];
    });

const memberOf = (syntax: Syntax, member: Node): [name: string, Member] => [
  keyOf(member) ?? '',
  {
    comment: syntax.commentOf(member),
    type: isNode(member.typeAnnotation) ? syntax.textOf(member.typeAnnotation).slice(2) : '',
    required: member.optional !== true,
  },
];

interface Interface {
  /** The names of those that it takes members from. */
  readonly extended: readonly string[];
  readonly members: readonly (readonly [name: string, Member])[];
}

interface Member {
  readonly comment: string | undefined;
  readonly type: string;
  readonly required: boolean;
}

function optionsIn(
  syntax: Syntax,
  declaration: Node | undefined,
  members: ReadonlyMap<string, Member>,
): Option[] {
  const shape = declaration && [...within(declaration)].find(({ type }) => type === 'ObjectExpression');
  if (shape === undefined) throw new Error('There is no such schema.');
  return nodes(shape.properties).flatMap((property): Option[] => {
    const name = keyOf(property);
    if (name === undefined || !isNode(property.value)) return [];
    // What tells the branches of a union apart stands in the meaning of the option that holds them.
    if (syntax.textOf(property.value).startsWith('z.literal(')) return [];
    const member = members.get(name);
    const { type, byDefault, optional, parts } = described(syntax, property.value);
    const [meaning = '', documented] = (syntax.commentOf(property) ?? member?.comment ?? '').split(
      /\s*@default /,
    );
    const accepted = member?.type || type;
    if (accepted === '') throw new Error(`What the option "${name}" accepts is not known here.`);
    const required = member === undefined ? !optional : member.required;
    return [
      {
        name,
        path: name,
        type: accepted.replace(/ \| undefined$/, '').replace(/^\((.*)\)$/, '$1'),
        default: documented ?? byDefault ?? (required ? 'required' : 'none'),
        meaning,
      },
      ...parts.map(({ branch, ...part }) => partOf(name, part, branch)),
    ];
  });
}

interface Described {
  readonly type: string;
  readonly byDefault?: string;
  readonly optional: boolean;
  /** The options inside of it, and in which branch of a union they are. */
  readonly parts: readonly (Option & { readonly branch?: string })[];
}

/** What a schema accepts, read from how it is built. */
function described(syntax: Syntax, schema: Node): Described {
  const plain = (type: string): Described => ({ type, optional: false, parts: [] });
  if (schema.type === 'Identifier') {
    const name = String(schema.name);
    const local = syntax.declaration(name);
    if (local === undefined) return plain(name.replace(/Schema$/, ''));
    const object = [...within(local)].some(({ type }) => type === 'ObjectExpression');
    const parts = object ? optionsIn(syntax, local, new Map()) : [];
    return { type: branchOf(syntax, local) ?? 'object', optional: false, parts };
  }
  if (schema.type !== 'CallExpression' || !isNode(schema.callee)) return plain('unknown');
  const [first, second] = nodes(schema.arguments);
  const callee = schema.callee;
  const name = keyOf({ ...callee, key: callee.property }) ?? String(callee.name);
  const typeArgument = isNode(schema.typeArguments) ? nodes(schema.typeArguments.params)[0] : undefined;
  switch (name) {
    case 'check':
      return isNode(callee.object) ? described(syntax, callee.object) : plain('unknown');
    case 'optional':
      return { ...described(syntax, first!), optional: true };
    case '_default':
      return { ...described(syntax, first!), optional: true, byDefault: syntax.textOf(second!) };
    case 'readonly':
      return described(syntax, first!);
    case 'array':
      return plain(`${described(syntax, first!).type}[]`);
    case 'union':
    case 'discriminatedUnion': {
      const branches = nodes((name === 'union' ? first : second)?.elements).map((it) =>
        described(syntax, it),
      );
      return {
        type: [...new Set(branches.map(({ type }) => type))].join(' | '),
        optional: false,
        parts: branches.flatMap(({ type, parts }) =>
          parts.map((part) => ({
            ...part,
            ...(type.startsWith('{ ') && { branch: `{${type.slice(2, -2)}}` }),
            meaning: type.startsWith('{') ? `With \`${type}\`: ${part.meaning}` : part.meaning,
          })),
        ),
      };
    }
    case 'enum':
    case 'literal': {
      const values = first?.type === 'ArrayExpression' ? nodes(first.elements) : [first!];
      return plain(values.map((it) => syntax.textOf(it)).join(' | '));
    }
    case 'instanceof':
      return plain(syntax.textOf(first!));
    case 'custom':
    case 'functionOption':
      return plain(typeArgument ? syntax.textOf(typeArgument) : 'unknown');
    case 'string':
    case 'number':
    case 'boolean':
    case 'unknown':
      return plain(name);
    default:
      return plain(returned(syntax, name) ?? returned(Syntax.of(COMMON.file), name) ?? '');
  }
}

/** What tells a branch of a union apart: `{ type: 'count' }`. */
function branchOf(syntax: Syntax, schema: Node): string | undefined {
  const literal = [...within(schema)].find(
    (node) =>
      node.type === 'Property' && isNode(node.value) && syntax.textOf(node.value).startsWith('z.literal('),
  );
  return (
    literal && `{ ${keyOf(literal)}: ${syntax.textOf(literal.value as Node).slice('z.literal('.length, -1)} }`
  );
}

/** What the schema accepts that a helper such as `count()` or `provider()` makes, by its declared type. */
function returned(syntax: Syntax, helper: string): string | undefined {
  const made = isNode(syntax.declaration(helper)?.init) ? syntax.declaration(helper)?.init : undefined;
  if (!isNode(made) || !isNode(made.returnType)) return undefined;
  const type = syntax.textOf(made.returnType);
  return /<([^,>]+)/.exec(type)?.[1] ?? /ZodMini(\w+)/.exec(type)?.[1]?.toLowerCase();
}
