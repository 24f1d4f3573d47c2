/** The provider that is demonstrated: what a program would have of its own, and no more. */
import { type SchedulerLike, tap } from 'rxjs';
import { type ChatProvider, ResilientProvider } from '../src/chat/index.ts';
import { type EventBus, exponentialBackoff } from '../src/index.ts';
import { openAICompatible } from '../src/providers/openai-compatible/index.ts';
import type { LocalProviders } from './local-providers.ts';
import type { RealService } from './real-service.ts';

/** Hears of every attempt before it is made. */
export type Asked = (provider: string) => void;

/** Far less patient than a real program should be, so that nobody has to wait for the end of the story. */
export function localAssistant(
  { primary, backup }: LocalProviders,
  {
    speed,
    events,
    asked,
    scheduler,
  }: {
    readonly speed: number;
    readonly events: EventBus;
    readonly asked: Asked;
    readonly scheduler: SchedulerLike | undefined;
  },
): ResilientProvider {
  const at = (baseURL: string, name: string) =>
    heard(openAICompatible({ name, baseURL, model: 'demo', events }), asked);
  return new ResilientProvider({
    events,
    scheduler,
    provider: at(primary, 'primary'),
    fallbackProvider: at(backup, 'backup'),
    recovery: 'restart',
    timeout: { first: 10_000, each: 2_000 },
    retry: {
      maxRetries: 6,
      backoff: exponentialBackoff({ base: 200 / speed, maxDelay: 800 / speed }),
      maxDelay: 2_000 / speed,
    },
    circuitBreaker: { failureThreshold: 5, recoveryTimeout: 30_000 },
  });
}

export function realAssistant(
  service: RealService,
  { events, asked }: { readonly events: EventBus; readonly asked: Asked },
): ResilientProvider {
  return new ResilientProvider({
    events,
    provider: heard(openAICompatible({ ...service, events }), asked),
    recovery: 'restart',
    timeout: { first: 60_000, each: 30_000 },
    retry: { maxRetries: 2, backoff: exponentialBackoff({ base: 500 }) },
  });
}

function heard(provider: ChatProvider, asked: Asked): ChatProvider {
  const { name } = provider;
  return {
    name,
    stream: (request, context) =>
      provider.stream(request, context).pipe(tap({ subscribe: () => asked(name) })),
  };
}
