import { readFileSync } from 'node:fs';
import { picture } from './picture.ts';
import { seenOfAnAnswer } from './story.ts';

const PICTURE = 'pictures/insights/an-answer.svg';
const TITLE = 'What RxJS Insights has recorded of one answer';

/** `docs/insights.md` and its picture, by path. */
export async function insightsPage(): Promise<Map<string, string>> {
  const { insights, text } = await seenOfAnAnswer();
  return new Map([
    [`docs/${PICTURE}`, picture(insights, TITLE, text)],
    ['docs/insights.md', page(story(), text)],
  ]);
}

/** The code of the story, as it stands there. */
function story(): string {
  const source = readFileSync('marbles/insights/story.ts', 'utf8');
  const body = /function answer\(\) \{\n([\s\S]*?)\n\}/.exec(source)?.[1];
  if (body === undefined) throw new Error('The story has no function answer() any more.');
  return body.replaceAll(/^ {2}/gm, '').replace('return assistant', 'const answer$ = assistant');
}

const page = (code: string, text: string): string => `\
<!-- Written by \`npm run docs\`: the picture and the text are what the recorder has seen. -->

# Developer tools

A stream through six policies, two providers and a retry is a dozen subscriptions, and a bug hides in one of them.
[RxJS Insights](https://github.com/ksz-ksz/rxjs-insights) records all of them: who subscribed to whom, what came, how it
ended. Here the operators and streams of this library have names of their own in it, with the name of their policy as a tag.

\`\`\`sh
npm install --save-dev @rxjs-insights/core @rxjs-insights/recorder
\`\`\`

\`\`\`ts
import { installInsights, renderInsights } from 'rxjs-resilience/insights';

await installInsights(); // first thing in the program, or in the setup file of the tests
\`\`\`

## One answer

The first provider breaks off after two words, and its retry breaks before any. The second one answers.

\`\`\`ts
${code}
\`\`\`

![${TITLE}](${PICTURE})

Each box is one subscription, and what hangs below it is what it subscribed to. Beside it stands its tag, what it received
in this order, and how it ended: a bar is the completion, a cross an error, a square an unsubscription. So the picture
shows that the circuit breaker of \`openai\` has seen two attempts; that the reader was told to forget two words
(\`retract\`) and that another provider speaks (\`switch\`) with the first word that needed it; that the mark was set above
the provider, for \`ChatProvider.stream\` itself sent three words and a \`finish\`, and was unsubscribed because nothing more
was to come.

\`renderInsights(answer$)\` is the same as text, and \`insightsOf(answer$)\` as objects:

\`\`\`text
${text}
\`\`\`

## What has a name

- Every operator: \`circuitBreaker\`, \`retryWithBackoff\`, \`bulkhead\`, \`rateLimit\`, \`timeout\`, \`fallback\`,
  \`resilience\`, and so on. One that is made *before* \`installInsights()\` and kept in a constant has none.
- The streams of a call: \`ResilientProvider.stream\` and \`.chat\`, \`ChatProvider.stream\` of every attempt,
  \`HealthChecker.watch\`, \`EventBus.on\`.
- What lives longer: \`EventBus\`, \`CircuitBreaker.state$\` and \`.transitions$\`, \`Bulkhead.state$\`,
  \`RateLimiter.state$\`, \`CircuitRegistry.changes$\`, whenever they were made.

Policies that stand directly upon each other are one subscriber at run time; they are shown one in the other all the same.
An attempt after a back-off, or after a wait for a place, hangs below the stream that has waited. Streams without a name,
of RxJS or of the inside of this library, are left out; \`insightsOf(stream$, { internal: true })\` shows them.

## What is recorded

Of every value, error, argument and observer its **kind**: the name of its class, and of a chunk or an event its type. No
key, no header, no prompt and no answer gets to the recorder. To see more, say what:

\`\`\`ts
await installInsights({ describe: (value) => value }); // everything as it is, secrets included
\`\`\`

## What it changes

Nothing but the speed. The bare instruments of RxJS Insights give every observer a handler for errors, which hides those
that nobody handles, and let a consumer that throws break its producer; \`installInsights()\` does not. It needs no plugin,
where \`import '@rxjs-insights/rxjs7'\` alone ends in an error outside of the bundlers it has plugins for. Where RxJS Insights
has been installed by such a plugin already, \`installInsights()\` adds the names and the redaction, and nothing else.

\`uninstall()\`, of what \`installInsights()\` resolves to, takes the instruments out again. What is recorded is kept for as
long as the streams themselves are, and recording is slow: this is for debugging, not for production. Where it is not
installed, operators and streams are exactly what they would be without it.

In a browser, the [devtools](https://github.com/ksz-ksz/rxjs-insights) of RxJS Insights show the same recordings.
`;
