import { readFileSync } from 'node:fs';
import { benchmarksPage } from '../../bench/page.ts';
import { committed } from '../../bench/results.ts';
import { sizePage, weighing } from '../../bench/size/page.ts';
import { summarized } from '../../bench/summary.ts';
import { whatHappensWhen } from '../../test/matrix/page.ts';
import { mutationPage } from '../../test/mutation/page.ts';
import { openTelemetryPage } from '../../test/opentelemetry/page.ts';
import { contract } from '../contract/index.ts';
import { chapters } from '../index.ts';
import { contractPage } from './contract-page.ts';
import { docComments } from './doc-comments.ts';
import { eventsPage } from './events-page.ts';
import { illustrated } from './illustrated.ts';
import { pageOf } from './page.ts';

/** How to read a picture, by one that shows nearly all there is. */
const SPECIMEN =
  'docs/pictures/circuit-breaker/a-probe-that-is-cancelled-says-nothing-and-frees-its-place.svg';

/** Every file of `docs/`, and README and doc comments with their pictures, by path: the same for the same code. */
export function book(): Map<string, string> {
  const files = new Map<string, string>();
  const entries = chapters.map((chapter) => {
    const page = pageOf(chapter);
    for (const [path, content] of page.files) {
      if (files.has(path)) throw new Error(`Two diagrams would be ${path}: give them different titles.`);
      files.set(path, content);
    }
    return `- [${chapter.operator}](${page.folder}.md): ${chapter.introduction}`;
  });
  if (!files.has(SPECIMEN)) throw new Error(`There is no ${SPECIMEN} to learn from.`);
  files.set('docs/what-happens-when.md', whatHappensWhen());
  files.set('docs/contract.md', contractPage(contract));
  files.set('docs/events.md', eventsPage());
  files.set('docs/mutation.md', mutationPage());
  files.set('docs/size.md', sizePage(weighing()));
  for (const [path, content] of openTelemetryPage()) files.set(path, content);
  files.set('docs/README.md', index(entries));
  files.set('docs/benchmarks.md', benchmarksPage(committed()));
  files.set('README.md', summarized(illustrated(readFileSync('README.md', 'utf8')), committed()));
  for (const [path, content] of docComments()) files.set(path, content);
  return files;
}

const index = (entries: readonly string[]): string => `<!-- Written by \`npm run docs\`. -->

# The book of marbles

One page a pattern. Every diagram is a rule of its pattern, a test in virtual time and a picture; the picture is drawn
from what happened in the test, so it cannot say anything else.

${entries.join('\n')}

[The contract](contract.md) lists every rule with the pictures and tests that prove it, and
[What happens when…](what-happens-when.md) lists every fault of a chat provider with what its reader sees.
[Events](events.md) lists everything that the bus can tell, and what stands in it.
[OpenTelemetry](opentelemetry.md) shows a call as a trace, and lists all metrics.
[Simulations](simulations.md) play minutes of traffic: what no single stream can show.
[Mutation testing](mutation.md) changes the code in thousands of ways and says which the tests notice.
[Benchmarks](benchmarks.md) say what all of it costs, beside what others cost.
[Size](size.md) tells what a program loads that imports one pattern, or all.

[Developer tools](insights.md) show what a stream of your own has subscribed to, policy by policy.

## How to read the pictures

![A circuit breaker, two attempts, three consumers and the state of the circuit](${SPECIMEN.replace('docs/', '')})

Time goes from left to right, in milliseconds. Above the box stands what each **attempt** does: one subscription to the
source. In the box stands the operator. Below it stands what each **consumer** receives, and then what was watched
beside the stream.

- A **circle** is a value. Circles on one ground come in the same millisecond.
- A **vertical bar** is the completion, a **red cross** an error, with its name.
- A **small square** is an unsubscription: of a consumer that left, or of an attempt that was given up. It is no error.
- A line is **dotted** while a consumer waits: in a queue, for a permit, in a back-off, for an alternative.
- An **arrow** goes on for ever.
- A **coloured bar** is a state: green, red and amber are a closed, an open and a half-open circuit, blue is a number.
- A **pill** is an event, at the time of its left end.
- **Two slashes** leave out a silence; the number behind them says when it was over.

Below each picture stands the same as text, in the notation of RxJS: \`-\` is a millisecond, \`a\` a value, \`|\` the
completion, \`#\` an error, \`!\` an unsubscription, \`(ab)\` come together, and \` 49ms \` is a silence.
`;
