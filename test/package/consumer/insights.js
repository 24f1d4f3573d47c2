/** What the developer tools see of one call: in plain Node, in a bundle and in a test runner. Throws when it is something else. */
import { concat, defer, lastValueFrom, of, throwError } from 'rxjs';
import { fixedBackoff, getEventBus, ResilientProvider } from 'rxjs-resilience';
import { insightsOf, installInsights, renderInsights } from 'rxjs-resilience/insights';

const insights = await installInsights();
getEventBus().subscribe().unsubscribe();

let attempts = 0;
const text = { type: 'text', text: 'secret' };
const stream = () =>
  defer(() =>
    ++attempts === 1
      ? concat(
          of(text),
          throwError(() => new Error('secret')),
        )
      : of(text, text, { type: 'finish', reason: 'stop' }),
  );
const assistant = new ResilientProvider({
  name: 'assistant',
  provider: { name: 'main', stream, apiKey: 'secret' },
  retry: { maxRetries: 1, backoff: fixedBackoff(5) },
  recovery: 'restart',
});
const answer$ = assistant.stream([{ role: 'user', content: 'secret' }]);
await lastValueFrom(answer$);

const seen = renderInsights(answer$);
const expected = `
ResilientProvider.stream [assistant]     text, retract, text x2, finish, complete
└─ resilience [main]                     text, retract, text x2, finish, complete
   └─ retryWithBackoff [main]            text, retract, text x2, finish, complete
      ├─ circuitBreaker [main]           text, error Error
      │  └─ ChatProvider.stream [main]   text, error Error
      └─ circuitBreaker [main]           retract, text x2, finish, complete
         └─ ChatProvider.stream [main]   text x2, finish, unsubscribe`.trim();
if (squeezed(seen) !== squeezed(expected))
  throw new Error(`The developer tools see\n${seen}\ninstead of\n${expected}`);
if (insightsOf(getEventBus())[0]?.name !== 'EventBus') throw new Error('The bus has no name.');
insights.uninstall();

/** Only the order matters, not the columns. */
function squeezed(tree) {
  return tree.replaceAll(/ +/g, ' ');
}
