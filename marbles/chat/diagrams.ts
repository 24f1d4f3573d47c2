import { filter, map, type OperatorFunction, Subject, timer } from 'rxjs';
import {
  type CallOptions,
  type CallPhase,
  type ChatChunk,
  type ChatContext,
  type ChatRequest,
  ProviderError,
  type ProviderErrorKind,
  ResilientProvider,
  type ResilientProviderConfig,
} from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import type { Chapter } from '../diagram.ts';

const text = (text: string): ChatChunk => ({ type: 'text', text });

const values: Record<string, Sign> = {
  H: 'headers',
  P: 'ping',
  a: text('a'),
  b: text('b'),
  c: text('c'),
  x: text('x'),
  y: text('y'),
  e: text(''),
  t: { type: 'tool-call', index: 0, id: 'call_1', name: 'weather', arguments: '' },
  u: { type: 'usage', usage: { outputTokens: 3 } },
  F: { type: 'finish', reason: 'stop' },
  R: { type: 'retract' },
  S: { type: 'switch', from: 'main', to: 'spare' },
  C: { type: 'resume' },
  q: text('The quick '),
  w: text('brown fox '),
  j: text('jumps.'),
  g: text('fox jumps.'),
  l: { type: 'tool-call', index: 0, id: 'call_1', name: 'weather', arguments: '{"city":' },
  m: { type: 'tool-call', index: 0, id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}' },
};

/** What a provider tells beside its chunks. */
const H = 'headers';
const P = 'ping';
type Sign = ChatChunk | typeof H | typeof P;

type Config = Omit<ResilientProviderConfig, 'provider' | 'fallbackProvider'> & { spare?: true };

/** A call to a provider named main and perhaps a spare one. Each of the diagram's attempts is one that they make. */
function call(config: Config = {}, options?: CallOptions): OperatorFunction<Sign, ChatChunk> {
  return (source) => {
    const scripted = (name: string) => ({
      name,
      stream: (_: ChatRequest, { headersReceived, keepAliveReceived }: ChatContext = {}) =>
        source.pipe(
          filter((sign): sign is ChatChunk => {
            if (sign === H) headersReceived?.();
            if (sign === P) keepAliveReceived?.();
            return sign !== H && sign !== P;
          }),
        ),
    });
    const { spare, ...policies } = config;
    return new ResilientProvider({
      ...policies,
      provider: scripted('main'),
      fallbackProvider: spare && scripted('spare'),
    }).stream([{ role: 'user', content: 'Hello' }], options);
  };
}

const once = { maxRetries: 1, backoff: fixedBackoff(2) };
const failure = (kind: ProviderErrorKind): ProviderError =>
  new ProviderError(`Provider "main" failed: ${kind}`, { kind, provider: 'main' });
const down = failure('overloaded');

export const chatChapter: Chapter = {
  operator: 'ResilientProvider',
  introduction:
    'A language model writes its answer piece by piece, and may break off after any of them. Whoever reads along must never see a piece twice, an end that is none, or two answers in one. Letters are pieces of text, F is the finish, R the retract mark, C the mark of an answer that goes on where it broke, S the mark of a switch to the spare provider.',
  diagrams: [
    {
      title: 'A good answer passes as it comes',
      prose: 'Chunk by chunk, without a wait. The finish is the proof that the answer is whole.',
      setup: () => call(),
      source: '       --a--b--u(F|)',
      expected: '     --a--b--u(F|)',
      subscriptions: ['^--------!'],
      values,
    },
    {
      title: 'An attempt that fails before its first content leaves no trace',
      prose:
        'The name of a tool is not content yet: it is held back until arguments or text follow. So the retry begins as if nothing had happened.',
      setup: () => call({ retry: once }),
      source: ['      -t-#', '--a--b--(F|)'],
      expected: '     -------a--b--(F|)',
      subscriptions: ['^--!', '-----^-------!'],
      sourceErrors: [down],
      values,
    },
    {
      title: "'fail': an answer that breaks after its first content ends with an error",
      prose:
        'The error carries the text so far. Neither the retry nor the spare provider is asked: their answer would be mixed with this one.',
      setup: () => call({ retry: once, spare: true }),
      source: '       --a--b--#',
      expected: '     --a--b--#',
      subscriptions: ['^-------!'],
      sourceErrors: [down],
      errors: ['StreamInterruptedError'],
      values,
    },
    {
      title: "'restart': the answer begins anew behind a retract mark",
      prose: 'R says: forget what was shown. It comes with the first word of the new attempt, not before.',
      setup: () => call({ retry: once, recovery: 'restart' }),
      source: ['      --a--b--#', '--x----y--(F|)'],
      expected: '     --a--b------(Rx)-y--(F|)',
      subscriptions: ['^-------!', '----------^---------!'],
      sourceErrors: [down],
      values,
    },
    {
      title: 'What is shown stands until somebody has something better',
      prose:
        'The retry fails before its first word, so nothing is taken back: the error carries "ab", which is still on the screen.',
      setup: () => call({ retry: once, recovery: 'restart' }),
      source: ['      --a--b--#', '---#'],
      expected: '     --a--b-------#',
      subscriptions: ['^-------!', '----------^--!'],
      sourceErrors: [down, down],
      errors: ['StreamInterruptedError'],
      values,
    },
    {
      title: 'When the retries are used up, the spare provider answers behind a switch mark',
      prose: 'The lane below shows what the bus announces at the moment of the switch.',
      setup() {
        const events = new EventBus();
        const switches = events.on('provider_switched');
        return {
          operator: call({ retry: once, spare: true, events }),
          lanes: { switched: switches.pipe(map(({ data }) => `${data.from} > ${data.to}`)) },
        };
      },
      source: ['      --#', '-#', '--a---b--(F|)'],
      expected: '     -------(Sa)b--(F|)',
      subscriptions: ['^-!', '----^!', '-----^--------!'],
      sourceErrors: [down, down],
      values,
      lanes: { switched: { expected: '-------s', values: { s: 'main > spare' } } },
    },
    {
      title: "'restart': retries and the spare provider stay available after content",
      prose:
        'One answer breaks, its retry breaks, the spare one is whole. The reader sees two retracts and one answer.',
      setup: () => call({ retry: once, spare: true, recovery: 'restart' }),
      source: ['      --a--#', '--b-----#', '--x-------y--(F|)'],
      expected: '     --a------(Rb)----(RSx)---y--(F|)',
      subscriptions: ['^----!', '-------^-------!', '---------------^------------!'],
      sourceErrors: [down, down],
      values,
    },
    {
      title: "'continue': only what is missing is asked for",
      prose:
        'q and w stand, and j follows behind a resume mark C. The model is asked to go on with its own words where it can, and else is told where it stopped.',
      setup: () => call({ retry: once, recovery: 'continue' }),
      source: ['      --q--w--#', '--j-----(F|)'],
      expected: '     --q--w------(Cj)--(F|)',
      subscriptions: ['^-------!', '----------^-------!'],
      sourceErrors: [down],
      values,
    },
    {
      title: "'continue': what the model says a second time is left out",
      prose:
        'It begins with the whole first sentence again. Both pieces that repeat it are held back until it is clear that they do: all that is new is j.',
      setup: () => call({ retry: once, recovery: 'continue' }),
      source: ['      --q--w--#', '--q--w--j---(F|)'],
      expected: '     --q--w------------(Cj)(F|)',
      subscriptions: ['^-------!', '----------^-----------!'],
      sourceErrors: [down],
      values,
    },
    {
      title: "'continue': another provider can finish the sentence",
      prose:
        'Retries and the spare provider stay available after content. C says that the text stands, S who goes on.',
      setup: () => call({ spare: true, recovery: 'continue' }),
      source: ['      --q--w--#', '--j-----(F|)'],
      expected: '     --q--w----(CSj)-(F|)',
      subscriptions: ['^-------!', '--------^-------!'],
      sourceErrors: [down],
      values,
    },
    {
      title: "'continue': half a tool call is never put together with another half",
      prose:
        'Nor are half a thought and half a JSON document, and an answer of a few letters is not worth the risk. They begin anew, behind a retract mark.',
      setup: () => call({ retry: once, recovery: 'continue' }),
      source: ['      --q--l--#', '--m-----(F|)'],
      expected: '     --q--l------(Rm)--(F|)',
      subscriptions: ['^-------!', '----------^-------!'],
      sourceErrors: [down],
      values,
    },
    {
      title: "'continue': a model that refuses to go on begins anew at once",
      prose:
        'The refusal is an answer to a request that the caller never made. It costs no retry, no wait, and hides no error.',
      setup: () => call({ retry: once, recovery: 'continue' }),
      source: ['      --q--w--#', '-#', '--q---w--j--(F|)'],
      expected: '     --q--w-------(Rq)w--j--(F|)',
      subscriptions: ['^-------!', '----------^!', '-----------^-----------!'],
      sourceErrors: [down, failure('invalid')],
      values,
    },
    {
      title: 'A spare provider that says nothing leaves no mark',
      prose: 'Both have failed, and one error names both. A switch that nobody speaks after would be a lie.',
      setup: () => call({ spare: true }),
      source: ['      --#', '-t-#'],
      expected: '     -----#',
      subscriptions: ['^-!', '--^--!'],
      sourceErrors: [down, down],
      errors: ['FallbackExhaustedError'],
      values,
    },
    {
      title: 'A clean end without a finish is no end',
      prose:
        'The connection closed politely in the middle of the answer. That is truncated, and begins anew.',
      setup: () => call({ retry: once, recovery: 'restart' }),
      source: ['      --a--|', '--a----b--(F|)'],
      expected: '     --a------(Ra)-b--(F|)',
      subscriptions: ['^----!', '-------^---------!'],
      values,
    },
    {
      title: 'After the finish nothing can break the answer',
      prose: 'It is whole and completes at once. The connection that is lost later concerns nobody.',
      setup: () => call({ retry: once }),
      source: '       --a--b--F---#',
      expected: '     --a--b--(F|)',
      subscriptions: ['^-------!'],
      values,
    },
    {
      title: 'Half a tool call is no whole answer',
      prose:
        'The finish has come, but the arguments of the tool are not JSON. Nobody gets to call the tool with them: the finish is held back, and the retry begins anew.',
      setup: () => call({ retry: once, recovery: 'restart' }),
      source: ['      --l--(F|)', '--m---(F|)'],
      expected: '     --l------(Rm)(F|)',
      subscriptions: ['^----!', '-------^-----!'],
      values,
    },
    {
      title: 'A wrong request is asked nobody else',
      prose:
        'It would be as wrong there. A content filter and the own abort of the caller do not fall back either.',
      setup: () => call({ retry: once, spare: true }),
      source: '       --#',
      expected: '     --#',
      subscriptions: ['^-!'],
      sourceErrors: [failure('invalid')],
      errors: ['ProviderError'],
      values,
    },
    {
      title: "'fallbackOn' says otherwise, kind by kind",
      prose: 'What one provider refuses by its policy, another one may answer. Here it is asked.',
      setup: () => call({ fallbackOn: { 'content-filter': true }, spare: true }),
      source: ['      --#', '--a---b--(F|)'],
      expected: '     ----(Sa)b--(F|)',
      subscriptions: ['^-!', '--^--------!'],
      sourceErrors: [failure('content-filter')],
      values,
    },
    {
      title: 'Empty pieces are no first content',
      prose: 'The clock for the first content goes on while the provider sends nothing but empty text.',
      setup: () => call({ timeout: { first: 6 }, spare: true }),
      source: ['      -e-e-e-e-e-e', '--a----(F|)'],
      expected: '     --------(Sa)-(F|)',
      subscriptions: ['^-----!', '------^------!'],
      values,
    },
    {
      title: 'Who does not even accept the request is left sooner',
      prose:
        "'headers' bounds the wait until the provider has accepted (H here, over HTTP its headers). Main says nothing within 4 ms; the spare provider accepts in time, and may think for longer.",
      setup: () => call({ timeout: { headers: 4, first: 20 }, spare: true }),
      source: ['      --------', '-H------a---(F|)'],
      expected: '     ------------(Sa)(F|)',
      subscriptions: ['^---!', '----^-----------!'],
      values,
    },
    {
      title: 'A ping is no sign of work',
      prose: 'The connection lives, and nobody may be at work behind it. So pings do not end a silence.',
      setup: () => call({ timeout: { each: 5 }, spare: true, recovery: 'restart' }),
      source: ['      -a--P--P--P--', '-b----(F|)'],
      expected: '     -a-----(RSb)(F|)',
      subscriptions: ['^-----!', '------^-----!'],
      values,
    },
    {
      title: "Unless 'liveness' says so",
      prose: "With 'any' the same pings are enough: the provider may think for as long as it is there.",
      setup: () => call({ timeout: { each: 5, liveness: 'any' }, spare: true, recovery: 'restart' }),
      source: '       -a--P--P--P--b-(F|)',
      expected: '     -a-----------b-(F|)',
      subscriptions: ['^--------------!'],
      values,
    },
    {
      title: "A stall in the middle is cut off by 'each' and begins anew",
      prose: 'The limit between two chunks is a failure like any other.',
      setup: () => call({ timeout: { each: 5 }, retry: once, recovery: 'restart' }),
      source: ['      --a---------', '--a----b--(F|)'],
      expected: '     --a--------(Ra)-b--(F|)',
      subscriptions: ['^------!', '---------^---------!'],
      values,
    },
    {
      title: 'A silent provider costs one timeout, not three',
      prose:
        'Main has two retries left. But somebody else is there, and may not be silent: so the spare provider is asked first.',
      setup: () =>
        call({
          timeout: { first: 4, each: 8 },
          retry: { maxRetries: 2, backoff: fixedBackoff(2) },
          spare: true,
        }),
      source: ['      ------', '--a---b--(F|)'],
      expected: '     ------(Sa)b--(F|)',
      subscriptions: ['^---!', '----^--------!'],
      values,
    },
    {
      title: "'hedge': a second attempt joins one that has not said a word, and the first word wins",
      prose:
        'An empty piece is no word. After 4 ms the same provider is asked again; it speaks first, and the connection of the first attempt is closed.',
      setup: () => call({ hedge: 4 }),
      source: ['      -e-------a--(F|)', '--x---y(F|)'],
      expected: '     ------x---y(F|)',
      subscriptions: ['^-----!', '----^------!'],
      values,
    },
    {
      title: "'hedge' may race providers: behind a switch mark the one who was faster speaks",
      prose:
        'The main provider is only late, and may still win. Here the spare one is faster: what follows the mark is its answer, and nothing of the other one is ever seen.',
      setup: () => call({ spare: true, hedge: { delay: 4, race: 'providers' } }),
      source: ['      -----------a(F|)', '--x-----y(F|)'],
      expected: '     ------(Sx)--y(F|)',
      subscriptions: ['^-----!', '----^--------!'],
      values,
    },
    {
      title: 'An answer that breaks after its race begins anew, and so does the race',
      prose:
        'The first attempt was in time and broke. The second one is late, so a third one joins it; the retract mark comes with its first word.',
      setup: () =>
        call({ hedge: 4, retry: { maxRetries: 1, backoff: fixedBackoff(0) }, recovery: 'restart' }),
      source: ['      --a-#', '----------b(F|)', '--x---(F|)'],
      sourceErrors: [down],
      expected: '     --a-------(Rx)(F|)',
      subscriptions: ['^---!', '----^-----!', '--------^-----!'],
      values,
    },
    {
      title: 'A trickle is cut off',
      prose:
        'Every piece comes in time, and still nobody can read at this pace: 500 tokens of four letters a second are asked for, and within ten milliseconds only three letters came.',
      setup: () =>
        call({
          timeout: { minTokensPerSecond: 500, throughputWindow: 10 },
          recovery: 'restart',
          spare: true,
        }),
      source: ['      --a---b---c---', '--q----w--(F|)'],
      expected: '     --a---b---c---(RSq)w--(F|)',
      subscriptions: ['^-----------!', '------------^---------!'],
      values,
    },
    {
      title: "'timeout.total' is the time of one provider",
      prose: 'Its attempts and its waits together. The next provider has its own, so it can still answer.',
      setup: () => call({ timeout: { total: 8 }, retry: once, spare: true }),
      source: ['      --#', '--------a', '--b---(F|)'],
      expected: '     ----------(Sb)(F|)',
      subscriptions: ['^-!', '----^---!', '--------^-----!'],
      sourceErrors: [down],
      values,
    },
    {
      title: "The caller's patience bounds the whole call",
      prose: 'Also the spare provider, which would have answered two milliseconds later.',
      setup: () => call({ spare: true }, { timeout: 6 }),
      source: ['      --#', '------a--(F|)'],
      expected: '     ------#',
      subscriptions: ['^-!', '--^---!'],
      sourceErrors: [down],
      errors: ['StreamTimeoutError'],
      values,
    },
    {
      title: 'A call may have limits of its own',
      prose:
        'They replace those of the providers, for this call alone: 3 ms to the first content instead of 20.',
      setup: () => call({ timeout: { first: 20 }, spare: true }, { timeout: { first: 3, total: 30 } }),
      source: ['      ------a--(F|)', '--b---(F|)'],
      expected: '     -----(Sb)(F|)',
      subscriptions: ['^--!', '---^-----!'],
      values,
    },
    {
      title: 'A call says where it is',
      prose:
        'onPhase hears of every phase, with provider and attempt. Nothing is shown before the phase is content, and until then no attempt leaves a trace.',
      setup() {
        const heard = new Subject<CallPhase>();
        const onPhase = (phase: CallPhase) => heard.next(phase);
        return {
          operator: call({ retry: once }, { onPhase }),
          lanes: { phases: heard.pipe(map(({ attempt, phase }) => `${attempt} ${phase}`)) },
        };
      },
      source: ['      -----t-#', '--a----b--(F|)'],
      expected: '     -----------a----b--(F|)',
      subscriptions: ['^------!', '---------^---------!'],
      sourceErrors: [down],
      values,
      lanes: {
        phases: {
          expected: '(qc)-p-w-r-(st)----e',
          values: {
            q: '0 queued',
            c: '1 connecting',
            p: '1 preamble',
            w: '1 queued',
            r: '2 connecting',
            s: '2 preamble',
            t: '2 content',
            e: '2 ended',
          },
        },
      },
    },
    {
      title: 'A cancelled call stops at once, and nobody else is asked',
      prose: 'First while the provider speaks, then in the wait before a retry.',
      setup: () => call({ retry: once, spare: true }),
      source: ['      --a--b--', '--#'],
      consumers: ['   ^---!', '----------^--!'],
      expected: ['    --a--', '-'],
      subscriptions: ['^---!', '----------^-!'],
      sourceErrors: ['error', down],
      values,
    },
    {
      title: "The caller's abort is an error of its own, never a completion",
      prose:
        'The provider is unsubscribed, nothing is retried, and the stream ends with the reason of the signal.',
      setup() {
        const controller = new AbortController();
        timer(4).subscribe(() => controller.abort());
        return call({ retry: once, spare: true }, { signal: controller.signal });
      },
      source: '       --a--b--',
      expected: '     --a-#',
      subscriptions: ['^---!'],
      errors: ['AbortError'],
      values,
    },
    {
      title: 'An open circuit passes the question on at once',
      prose:
        'One failure opens the circuit of main here. The second call does not wait for main, nor does it ask it.',
      setup: () => call({ circuitBreaker: { failureThreshold: 1 }, spare: true }),
      source: ['      --#', '--a-----(F|)', '--x-----(F|)'],
      consumers: ['   ^', '-----^'],
      expected: ['    ----(Sa)--(F|)', '-------(Sx)--(F|)'],
      subscriptions: ['^-!', '--^-------!', '-----^-------!'],
      sourceErrors: [down],
      values,
    },
    {
      title: 'Tokens are reserved before a request is sent, and settled when they have been counted',
      prose:
        'Two are expected to be sent and four to be written, which is all that is there. The first answer has three, so one goes back, and the second request is sent a millisecond earlier than it was to be.',
      setup: () =>
        call({
          rateLimit: { tokensPerMinute: 60_000, burstWindow: 6 },
          estimateTokens: () => ({ inputTokens: 2, outputTokens: 4 }),
        }),
      source: '         a-(uF|)',
      consumers: ['   ^', '^'],
      expected: ['    a-(uF|)', '-----a-(uF|)'],
      subscriptions: ['^-!', '-----^-!'],
      values,
    },
    {
      title: 'Every provider has its policies around it',
      prose:
        'Main has one place. The second call waits for it, and that wait is no part of timeout.first: its 4 ms begin with the attempt.',
      setup: () =>
        call({
          retry: once,
          timeout: { first: 4, each: 20 },
          rateLimit: { requestsPerSecond: 1_000 },
          bulkhead: { maxConcurrent: 1 },
        }),
      source: ['      --a---(F|)', '--x---(F|)'],
      consumers: ['   ^', '-^'],
      expected: ['    --a---(F|)', '--------x---(F|)'],
      subscriptions: ['^-----!', '------^-----!'],
      values,
    },
    {
      title: 'Each part helps where it can',
      prose:
        'Main is busy, so it is asked again; then it says nothing, so the spare provider is asked. What the reader sees is one answer behind a mark.',
      setup: () =>
        call({
          retry: once,
          timeout: { first: 4, each: 8 },
          bulkhead: { maxConcurrent: 20 },
          spare: true,
        }),
      source: ['      --#', '------', '--a---b-(F|)'],
      expected: '     ----------(Sa)b-(F|)',
      subscriptions: ['^-!', '----^---!', '--------^-------!'],
      sourceErrors: [down],
      values,
    },
  ],
};
