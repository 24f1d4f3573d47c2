import { EMPTY, NEVER } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test } from 'vitest';
import { ProviderError, type ProviderErrorKind, staticAnswer } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { AT_ONCE, failing, HELLO, read, resilient, says, scripted } from './scripted.ts';

const virtually = (body: (scheduler: TestScheduler) => void): void => {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));
  scheduler.run(() => body(scheduler));
};
const twice = { maxRetries: 2, backoff: AT_ONCE };

test.each<[ProviderErrorKind, asked: number, others: number]>([
  ['rate-limit', 3, 1],
  ['overloaded', 3, 1],
  ['server', 3, 1],
  ['transport', 3, 1],
  ['truncated', 3, 1],
  ['timeout', 3, 1],
  ['quota', 1, 1],
  ['auth', 1, 1],
  ['malformed', 1, 1],
  ['context-length', 1, 1],
  ['invalid', 1, 0],
  ['content-filter', 1, 0],
  ['cancelled', 1, 0],
])('%s: the same provider is asked %d times, and another one %d', (kind, asked, others) => {
  const [main, spare] = [scripted('main', [failing(kind)]), scripted('spare', [says('a')])];
  read(resilient({ provider: main, fallbackProvider: spare, retry: twice }).stream(HELLO));
  expect([main.asked.length, spare.asked.length]).toStrictEqual([asked, others]);
});

test('fallbackOn says otherwise for a kind of error', () => {
  for (const [kind, passes] of [
    ['content-filter', true],
    ['invalid', true],
    ['server', false],
  ] as const) {
    const [main, spare] = [scripted('main', [failing(kind)]), scripted('spare', [says('a')])];
    read(
      resilient({ provider: main, fallbackProvider: spare, fallbackOn: { [kind]: passes } }).stream(HELLO),
    );
    expect([kind, spare.asked.length]).toStrictEqual([kind, passes ? 1 : 0]);
  }
});

describe('a conversation that is too long', () => {
  const window = (name: string, contextWindow: number | undefined, kind?: ProviderErrorKind) =>
    scripted(name, [kind === undefined ? says(name) : failing(kind, name)], { contextWindow });

  test('is passed to whoever is not known to hold no more', () => {
    for (const [own, others, answered] of [
      [100, [50, 100, 200], '200'],
      [100, [50, undefined, 200], 'undefined'],
      [undefined, [50], '50'],
    ] as const) {
      const providers = others.map((size) => window(String(size), size));
      const { shown } = read(
        resilient({ provider: window('main', own, 'context-length'), fallbackProviders: providers }).stream(
          HELLO,
        ),
      );
      expect(shown).toBe(answered);
      expect(providers.filter(({ asked }) => asked.length > 0).map(({ name }) => name)).toStrictEqual([
        answered,
      ]);
    }
  });

  test('is not passed at all where nobody holds more, and the error is the one that came', () => {
    const error = failing('context-length');
    const spare = window('spare', 100);
    const main = scripted('main', [error], { contextWindow: 100 });
    expect(read(resilient({ provider: main, fallbackProvider: spare }).stream(HELLO)).error).toBe(error);
    expect(spare.asked.length).toBe(0);
  });

  test('stays too long for those who hold less, whatever happens in between', () => {
    const small = window('small', 100);
    const { error } = read(
      resilient({
        provider: window('main', 100, 'context-length'),
        fallbackProviders: [window('large', 200, 'server'), small],
      }).stream(HELLO),
    );
    expect(error).toMatchObject({
      name: 'FallbackExhaustedError',
      errors: [{ message: 'main' }, { message: 'large' }],
    });
    expect(small.asked.length).toBe(0);
  });

  test('a ResilientProvider holds as much as the largest of its providers', () => {
    const group = (...windows: (number | undefined)[]) => {
      const [provider = window('none', 0), ...fallbackProviders] = windows.map((size) =>
        window(`${size}`, size),
      );
      return resilient({ name: 'group', provider, fallbackProviders });
    };
    expect(group(50, 200, 100).capabilities).toStrictEqual({ contextWindow: 200 });
    expect(group(50, undefined).capabilities).toStrictEqual({ contextWindow: undefined });
    const answers = [group(50, 100), group(50, 200)].map((fallbackProvider) => {
      const provider = window('main', 100, 'context-length');
      return read(resilient({ provider, fallbackProvider }).stream(HELLO)).shown;
    });
    expect(answers).toStrictEqual(['', '50']);
  });

  test('and who cannot hold more answers other errors as ever', () => {
    const { shown } = read(
      resilient({ provider: window('main', 100, 'server'), fallbackProvider: window('small', 50) }).stream(
        HELLO,
      ),
    );
    expect(shown).toBe('small');
  });
});

describe('a silent provider', () => {
  test('costs one timeout, not three: the other one is asked first', () => {
    const answered: unknown[] = [];
    virtually((scheduler) => {
      const main = scripted('main', [NEVER]);
      const retry = { maxRetries: 2, backoff: fixedBackoff(1) };
      resilient({
        provider: main,
        fallbackProvider: staticAnswer('a', 'spare'),
        retry,
        timeout: { first: 5 },
      })
        .stream(HELLO)
        .subscribe((chunk) => chunk.type === 'text' && answered.push([scheduler.now(), main.asked.length]));
    });
    expect(answered).toStrictEqual([[5, 1]]);
  });

  test.each(['first', 'headers'] as const)(
    'is asked again after %s only when nobody else is left',
    (limit) => {
      let calls: number[] = [];
      virtually(() => {
        const [main, spare] = [scripted('main', [NEVER]), scripted('spare', [NEVER])];
        resilient({
          provider: main,
          fallbackProvider: spare,
          retry: { maxRetries: 2, backoff: fixedBackoff(1) },
          timeout: { [limit]: 5 },
        })
          .stream(HELLO)
          .subscribe({
            error() {
              calls = [main.asked.length, spare.asked.length];
            },
          });
      });
      expect(calls).toStrictEqual([1, 3]);
    },
  );
});

test.each([
  ['not waited for while there is another provider', scripted('spare', [says('b')]), { asked: 1, after: 0 }],
  ['waited for when nobody else is left', undefined, { asked: 2, after: 1_000 }],
])('an open circuit is %s', (_, fallbackProvider, expected) => {
  let ended: unknown;
  virtually((scheduler) => {
    const main = scripted('main', [failing('server'), says('a')]);
    const circuitBreaker = { failureThreshold: 1, recoveryTimeout: 1_000 };
    resilient({ provider: main, fallbackProvider, retry: twice, circuitBreaker })
      .stream(HELLO)
      .subscribe({
        complete() {
          ended = { asked: main.asked.length, after: scheduler.now() };
        },
      });
  });
  expect(ended).toStrictEqual(expected);
});

test('a server that asks for more time than there is is left at once, and one that asks for less is waited for', () => {
  const asking = (retryAfter: number) =>
    new ProviderError('slow down', { kind: 'rate-limit', provider: 'main', retryAfter });
  const answered: unknown[] = [];
  virtually((scheduler) => {
    for (const retryAfter of [2_000, 120_000]) {
      const main = scripted('main', [asking(retryAfter), says('main')]);
      resilient({ provider: main, fallbackProvider: scripted('spare', [says('spare')]), retry: 2 })
        .stream(HELLO)
        .subscribe((chunk) => chunk.type === 'text' && answered.push([scheduler.now(), chunk.text]));
    }
  });
  expect(answered).toStrictEqual([
    [0, 'spare'],
    [2_000, 'main'],
  ]);
});

test("a chain of the user's own ends with an answer that cannot fail", async () => {
  const cache = scripted('cache', [EMPTY]);
  const provider = resilient({
    provider: scripted('main', [failing('server')]),
    fallbackProviders: [
      scripted('secondary', [failing('auth')]),
      cache,
      staticAnswer('Please try again later.'),
    ],
  });
  const response = await provider.chat(HELLO);
  expect(response).toMatchObject({ text: 'Please try again later.', provider: 'static answer', attempts: 4 });
  expect(response.ledger.map(({ provider, kind }) => [provider, kind])).toStrictEqual([
    ['main', 'server'],
    ['secondary', 'auth'],
    ['cache', 'truncated'],
    ['static answer', undefined],
  ]);
});

test('the bus hears which of the others was asked', () => {
  const events = new EventBus();
  const used: unknown[] = [];
  events.on('fallback_used').subscribe(({ data }) => used.push(data.alternative));
  const main = scripted('main', [failing('context-length')], { contextWindow: 10 });
  const small = scripted('small', [says('a')], { contextWindow: 10 });
  read(resilient({ provider: main, fallbackProviders: [small, staticAnswer('a')], events }).stream(HELLO));
  expect(used).toStrictEqual([2]);
});
