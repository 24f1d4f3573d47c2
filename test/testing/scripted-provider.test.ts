import { describe, expect, it } from 'vitest';
import { type ChatChunk, ProviderError, ResilientProvider } from '../../src/chat/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import { fixedBackoff } from '../../src/retry/index.ts';
import { runMarbles, scriptedProvider } from '../../src/testing/index.ts';

const question = [{ role: 'user', content: 'Hello' }] as const;
const retry = { maxRetries: 1, backoff: fixedBackoff(3) };

describe('a scripted provider', () => {
  it('answers the n-th attempt with the n-th script', () => {
    runMarbles(({ expectChat, expectSubscriptions, expectNoLeaks }) => {
      const provider = scriptedProvider('--#', '--A--B--(F|)');
      const assistant = new ResilientProvider({ provider, retry });
      expectChat(assistant.stream(question)).toBe('-------A--B--(F|)');
      expectSubscriptions(provider).toBe(['^-!', '-----^-------!']);
      expectNoLeaks(provider, assistant);
    });
  });

  it('says what the letters stand for', () => {
    const usage: ChatChunk = { type: 'usage', usage: { outputTokens: 2 } };
    runMarbles(({ expectChat, expectObservable }) => {
      const provider = scriptedProvider(['-A-U-F|'], { values: { A: 'Hello', U: usage } });
      const stream = provider.stream({ messages: question });
      expectChat(stream).toBe('-A-U-F|', { A: 'Hello', U: usage });
      expectObservable(stream).toBe('-a-b-c|', {
        a: { type: 'text', text: 'Hello' },
        b: usage,
        c: { type: 'finish', reason: 'stop' },
      });
    });
  });

  it('fails with errors that policies understand', () => {
    const events = new EventBus();
    runMarbles(({ expectChat, expectObservable, expectEvents }) => {
      const spare = scriptedProvider(['--B---(F|)'], { name: 'spare' });
      const main = scriptedProvider(['--#', '-#'], { name: 'main', errors: ['rate-limit', 'auth'] });
      const assistant = new ResilientProvider({ provider: main, fallbackProvider: spare, retry, events });
      const S: ChatChunk = { type: 'switch', from: 'main', to: 'spare' };
      expectChat(assistant.stream(question)).toBe('--------(SB)(F|)', { S });
      expectEvents(events.on('retry_attempted'), ['retry_attempted']);
      const broken = new TypeError('broken');
      expectObservable(scriptedProvider(['#'], { errors: [broken] }).stream({ messages: [] })).toBe(
        '#',
        {},
        broken,
      );
    });
  });

  it('is overloaded unless it is said otherwise', () => {
    runMarbles(({ expectChat }) => {
      const error = new ProviderError('Provider "scripted" failed as scripted: overloaded.', {
        kind: 'overloaded',
        provider: 'scripted',
      });
      expectChat(scriptedProvider('-#').stream({ messages: [] })).toBe('-#', {}, error);
    });
  });

  it('remembers what it was asked', () => {
    const provider = scriptedProvider('(AF|)');
    runMarbles(({ expectChat }) =>
      expectChat(new ResilientProvider({ provider }).stream(question)).toBe('(AF|)'),
    );
    expect(provider.requests).toMatchObject([{ messages: question }]);
  });

  it("ends with the reason of the caller's abort", () => {
    runMarbles(({ expectChat, expectSubscriptions, cold }) => {
      const controller = new AbortController();
      cold('---(a|)').subscribe(() => controller.abort('enough'));
      const provider = scriptedProvider('--A--B');
      expectChat(provider.stream({ messages: [] }, { signal: controller.signal })).toBe('--A#', {}, 'enough');
      expectSubscriptions(provider).toBe('^--!');
    });
  });

  it('asked more often than foreseen fails the test', () => {
    const provider = scriptedProvider(['-#', '-A(F|)'], { name: 'openai', attempts: 1 });
    expect(() =>
      runMarbles(({ expectChat }) =>
        expectChat(new ResilientProvider({ provider, retry }).stream(question)).toBe(''),
      ),
    ).toThrow('Provider "openai" was subscribed 2 times, at last in frame 4: not more than 1 were foreseen.');
  });

  it('without a script is refused', () => {
    expect(() => scriptedProvider([], { name: 'openai' })).toThrow(
      'scriptedProvider needs at least one script.',
    );
  });
});
