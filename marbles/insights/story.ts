import { TestScheduler } from 'rxjs/testing';
import { fixedBackoff, ResilientProvider } from '../../src/index.ts';
import { type Insight, insightsOf, installInsights, renderInsights } from '../../src/insights/index.ts';
import { scriptedProvider } from '../../src/testing/index.ts';

/** What the recorder of RxJS Insights has seen of one answer. */
export interface Seen {
  readonly insights: readonly Insight[];
  readonly text: string;
}

/** One answer with an accident, in virtual time, seen by the real recorder. */
export async function seenOfAnAnswer(): Promise<Seen> {
  const { uninstall } = await installInsights();
  try {
    return new TestScheduler(() => {}).run(({ flush }) => {
      const answer$ = answer();
      answer$.subscribe();
      flush();
      return { insights: insightsOf(answer$), text: renderInsights(answer$) };
    });
  } finally {
    uninstall();
  }
}

/** The page shows this function as it stands here. */
function answer() {
  const assistant = new ResilientProvider({
    name: 'assistant',
    provider: scriptedProvider(['--A--B--#', '--#'], { name: 'openai' }),
    fallbackProvider: scriptedProvider(['--C--D--E--(F|)'], { name: 'ollama' }),
    retry: { maxRetries: 1, backoff: fixedBackoff(500) },
    recovery: 'restart',
  });
  return assistant.stream([{ role: 'user', content: 'Hello' }]);
}
