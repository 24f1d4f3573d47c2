import type { Survivor } from './results.ts';

/** A survivor that no test should kill. */
export interface Explained {
  readonly file: string;
  /** The line on which the mutant stands, without its indentation. */
  readonly line: string;
  /** What is changed there, as `before → after`: what else is changed on that line has to be noticed. */
  readonly changes: readonly string[];
  readonly because: string;
}

export const explained: readonly Explained[] = [
  {
    file: 'src/circuit-breaker/circuit.ts',
    line: "} else if (phase.state === 'closed' || phase.state === 'metrics-only') {",
    changes: ["phase.state === 'closed' || phase.state === 'metrics-only' → true"],
    because: 'No lease is given in another phase; the question is for the compiler.',
  },
  {
    file: 'src/circuit-breaker/circuit.ts',
    line: "if (phase.state !== 'open') return;",
    changes: ["phase.state !== 'open' → false"],
    because: 'What is not open has no time left that could be waited for; the question is for the compiler.',
  },
  {
    file: 'src/circuit-breaker/time-window.ts',
    line: 'const oldest = Math.max(this.#current + 1, current - this.#buckets.length + 1);',
    changes: ['current - this.#buckets.length + 1 → current - this.#buckets.length - 1'],
    because: 'After a silence of more than a round it empties two buckets twice.',
  },
  {
    file: 'src/circuit-breaker/time-window.ts',
    line: 'if (current > this.#current) this.#current = current;',
    changes: ['current > this.#current → current >= this.#current'],
    because: 'It would set what is so already.',
  },
  {
    file: 'src/rate-limit/rate-limiter.ts',
    line: 'bucket?.atMost(level, now);',
    changes: ['bucket?.atMost → bucket.atMost'],
    because:
      'Without a bucket nothing is lower, and it has returned before; the question is for the compiler.',
  },
  {
    file: 'src/rate-limit/rate-limiter.ts',
    line: 'const first = this.#line.isFree(priority) ? load : (this.#line.first?.load ?? NOTHING);',
    changes: ['this.#line.first?.load → this.#line.first.load'],
    because: 'In a line that is not free somebody is first; the question is for the compiler.',
  },
  {
    file: 'src/rate-limit/rate-limiter.ts',
    line: '? this.#buckets.wait(now, first?.load ?? NOTHING, NOTHING)',
    changes: ['first?.load → first.load'],
    because: 'With nobody in line and no pause it has returned before; the question is for the compiler.',
  },
  {
    file: 'src/rate-limit/rate-limiter.ts',
    line: 'if (this.#line.first !== this.#watched) this.#handOut();',
    changes: ['this.#line.first !== this.#watched → true'],
    because: 'To hand out when there is nothing new finds nothing to hand out: it is spared.',
  },
  {
    file: 'src/rate-limit/rate-limiter.ts',
    line: 'if (place === this.#line.first) this.#watch();',
    changes: ['place === this.#line.first → true'],
    because: 'To set the timer anew for whom it is set already changes nothing: it is spared.',
  },
  {
    file: 'src/rate-limit/rate-limiter.ts',
    line: 'if (this.#pausedUntil !== undefined && isDue(this.#pausedUntil, now)) this.resume();',
    changes: ['this.#pausedUntil !== undefined → true'],
    because: 'Nothing is due at a time that is undefined; the question is for the compiler.',
  },
  {
    file: 'src/rate-limit/rate-limiter.ts',
    line: 'if (this.#changes$.observed) this.#changes$.next(this.state);',
    changes: ['this.#changes$.observed → true'],
    because: 'A state that nobody hears of need not be made: it is spared.',
  },
  {
    file: 'src/rate-limit/rate-limit-lease.ts',
    line: 'if ((tokensOf ?? usageOf ?? reportsOf) === undefined) return;',
    changes: ['(tokensOf ?? usageOf ?? reportsOf) === undefined → false'],
    because: 'A lease that asks nothing of the values hears none of them: it is spared.',
  },
  {
    file: 'src/rate-limit/rate-limit-lease.ts',
    line: 'if (reports.length > 0 && this.#departure !== undefined) this.#desk.heard(reports, this.#departure);',
    changes: ['this.#departure !== undefined → true'],
    because: 'Nobody hears an answer before the start; the question is for the compiler.',
  },
  {
    file: 'src/rate-limit/rate-limit-lease.ts',
    line: "if (outcome === 'failure') this.#desk.failed(error);",
    changes: ["outcome === 'failure' → true"],
    because: 'Where there was no failure there is no error that could be a refusal.',
  },
  {
    file: 'src/rate-limit/rate-limit-lease.ts',
    line: "if (!sent || (outcome === 'failure' && !this.#answered && nothingWasSent(error))) this.book(NOTHING);",
    changes: ["outcome === 'failure' → true"],
    because: 'Where there was no failure there is no error that could be a refusal.',
  },
  {
    file: 'src/rate-limit/rate-limit-lease.ts',
    line: 'if (!(tokens > 0)) return;',
    changes: ['tokens > 0 → tokens >= 0'],
    because: 'Nothing more has been counted: the sums are spared.',
  },
  {
    file: 'src/rate-limit/report.ts',
    line: 'if (value > 1e11) return Math.max(0, value - timestamp());',
    changes: ['value > 1e11 → value >= 1e11'],
    because: 'Between a second and its like of March 1973 nothing is meant.',
  },
  {
    file: 'src/rate-limit/report.ts',
    line: 'return value > 1e8 ? Math.max(0, value * 1_000 - timestamp()) : value * 1_000;',
    changes: ['value > 1e8 → value >= 1e8'],
    because: 'Between three years and a second of March 1973 nothing is meant.',
  },
  {
    file: 'src/rate-limit/report.ts',
    line: 'return text !== undefined && /^\\s*-\\d/.test(text) ? 0 : numberIn(text);',
    changes: ['text !== undefined → true'],
    because: 'The word `undefined` is no negative number; the question is for the compiler.',
  },
  {
    file: 'src/rate-limit/tokens.ts',
    line: 'if (usage === NO_TOKENS) return ONE_REQUEST;',
    changes: ['usage === NO_TOKENS → false'],
    because: 'The same load, without a new list for every request.',
  },
  {
    file: 'src/rate-limit/tokens.ts',
    line: "typeof tokens === 'number' && tokens >= 0 && Number.isFinite(tokens) ? Math.ceil(tokens) : undefined;",
    changes: ["typeof tokens === 'number' → true"],
    because: '`Number.isFinite` asks the same; the question is for the compiler.',
  },
  {
    file: 'src/core/due-queue.ts',
    line: 'if (last !== undefined && last.due > entry.due) return this.#rise(entry, this.#heap.length);',
    changes: [
      'last.due > entry.due → true',
      'last !== undefined && last.due > entry.due → true',
      'last.due > entry.due → last.due >= entry.due',
    ],
    because: 'The heap finds the first as well as the row does, only slower: `npm run bench` measures that.',
  },
  {
    file: 'src/core/due-queue.ts',
    line: 'one.due < other.due || (one.due === other.due && one.order < other.order);',
    changes: ['one.order < other.order → one.order <= other.order'],
    because: 'No two have the same `order`.',
  },
  {
    file: 'src/core/waiting-line.ts',
    line: 'if (this.isFree(priority)) return load.map(() => 0);',
    changes: ['this.isFree(priority) → false'],
    because: 'The sums over nobody are spared.',
  },
  {
    file: 'src/core/waiting-line.ts',
    line: 'for (let dimension = 0; dimension < load.length; dimension++)',
    changes: ['dimension < load.length → dimension <= load.length'],
    because: 'A dimension too many is not a number, and nobody asks for it.',
  },
  {
    file: 'src/core/places.ts',
    line: 'this.#filledAt = this.#activeCount < this.#places ? undefined : this.#clock.now();',
    changes: ['this.#activeCount < this.#places → false'],
    because:
      'While places are free nobody waits, and how long a lease lasts need not be known: a reading of the clock is spared.',
  },
  {
    file: 'src/core/places.ts',
    line: 'if (this.#line.size === 0) this.#watch();',
    changes: ['this.#line.size === 0 → true'],
    because: 'To set the timer anew for whom it is set already changes nothing: it is spared.',
  },
  {
    file: 'src/core/places.ts',
    line: 'if (this.#changes$.observed) this.#changes$.next(this.#state());',
    changes: ['this.#changes$.observed → true'],
    because: 'A state that nobody hears of need not be made: it is spared.',
  },
  {
    file: 'src/core/places.ts',
    line: 'if (place === this.#line.mostUrgent) this.#watch();',
    changes: ['place === this.#line.mostUrgent → true'],
    because: 'To set the timer anew for whom it is set already changes nothing: it is spared.',
  },
  {
    file: 'src/adaptive-concurrency/gradient.ts',
    line: "return aim < before ? 'latency' : 'growth';",
    changes: ['aim < before → aim <= before'],
    because: 'A limit whose aim is where it stands does not move, and no reason is told for that.',
  },
  {
    file: 'src/retry/retry-run.ts',
    line: 'this.limit = timeout === Number.POSITIVE_INFINITY ? undefined : { clock, due: clock.now() + timeout };',
    changes: ['timeout === Number.POSITIVE_INFINITY → false'],
    because: 'A limit that is never reached, and the timer of each attempt for it, are spared.',
  },
  {
    file: 'src/hedge/latency-percentile.ts',
    line: 'if (this.#recordedSince > this.count / 50) {',
    changes: [
      'this.#recordedSince > this.count / 50 → true',
      'this.#recordedSince > this.count / 50 → this.#recordedSince >= this.count / 50',
    ],
    because: 'What it knows is a little newer then: it spares a look at all buckets.',
  },
  {
    file: 'src/hedge/latency-sketch.ts',
    line: 'for (let bucket = 0; lasting > 0 && (survival === 1 || survival > wanted); bucket++) {',
    changes: ['survival > wanted → survival >= wanted'],
    because: 'Where the two are meant to be equal a billionth has been added to one.',
  },
  {
    file: 'src/adaptive-throttle/adaptive-throttle.ts',
    line: 'if (probability > 0 && this.#random() < probability) return this.#reject(probability);',
    changes: ['probability > 0 → probability >= 0', 'probability > 0 → true'],
    because: 'Chance is in [0, 1), never less than 0: where all goes well it need not be asked.',
  },
  {
    file: 'src/core/clock.ts',
    line: 'return schedulerNow < 1e11 && !asksTheDate();',
    changes: ['schedulerNow < 1e11 → schedulerNow <= 1e11'],
    because: 'Between a frame and a date of March 1973 nothing is meant.',
  },
  {
    file: 'src/core/config.ts',
    line: "typeof value === 'object' && value !== null && !Array.isArray(value);",
    changes: ['value !== null → true'],
    because: 'Where null may stand it is taken as it is, and what is taken as it is has not been misread.',
  },
  {
    file: 'src/core/steady-clock.ts',
    line: 'if (reading < this.#latest) this.#lost += Math.ceil(this.#latest - reading);',
    changes: ['reading < this.#latest → reading <= this.#latest'],
    because: 'From a moment to the same moment nothing is lost.',
  },
  {
    file: 'src/core/deadlines.ts',
    line: 'this.idleCounts = !this.awaitingFirst && limits.each !== Number.POSITIVE_INFINITY;',
    changes: ['limits.each !== Number.POSITIVE_INFINITY → true'],
    because:
      'A silence without a limit never ends a stream: to note when it began is spared, for every value.',
  },
  {
    file: 'src/core/deadlines.ts',
    line: 'if (this.idleCounts) this.idleSince = this.mark();',
    changes: ['this.idleCounts → false'],
    because: 'The timer looks at the silence anyway: to look at once is spared, for every sign.',
  },
  {
    file: 'src/core/deadlines.ts',
    line: 'if (this.begun + each < this.timer.due || !this.idleCounts) this.look(clock.now());',
    changes: [
      'this.begun + each < this.timer.due || !this.idleCounts → true',
      'this.begun + each → this.begun - each',
      'this.begun + each < this.timer.due → this.begun + each <= this.timer.due',
    ],
    because:
      'Whoever looks finds that nothing ends sooner: a reading of the clock is spared, for every stream.',
  },
  {
    file: 'src/core/deadlines.ts',
    line: 'if (due < this.timer.due || due === Number.POSITIVE_INFINITY) this.arm(now);',
    changes: [
      'due < this.timer.due || due === Number.POSITIVE_INFINITY → true',
      'due < this.timer.due → due <= this.timer.due',
    ],
    because: 'A timer that goes off too soon looks again: to set it anew for what ends later is spared.',
  },
  {
    file: 'src/core/deadlines.ts',
    line: "if (pace !== undefined && this.paced !== undefined) consider('throughput', this.paced.since, pace.window);",
    changes: ['pace !== undefined → true'],
    because: 'Without a pace there is no window that it is kept in; the question is for the compiler.',
  },
  {
    file: 'src/core/attempt-subscriber.ts',
    line: 'return false;',
    changes: ['false → true'],
    because: 'What a question has thrown is the end, whatever is committed.',
  },
  {
    file: 'src/core/recovery.ts',
    line: 'if (!this.downstream.closed) this.answer(this.scope, () => this.recovery.expired?.());',
    changes: ['this.recovery.expired?.() → this.recovery.expired()'],
    because: 'Whoever has a limit says what comes of it; the question is for the compiler.',
  },
  {
    file: 'src/core/recovery.ts',
    line: 'const rivals = (this.race?.rivals ?? 0) + (this.failed?.length ?? 0);',
    changes: ['this.failed?.length → this.failed.length'],
    because: 'It was taken from there a moment ago; the question is for the compiler.',
  },
  {
    file: 'src/core/admission.ts',
    line: 'this.leases = new Array<Lease>(counters.length); // oxlint-disable-line unicorn/no-new-array',
    changes: ['new Array<Lease>(counters.length) → new Array()'],
    because: 'A list of another length grows as the leases come: `npm run bench` measures the memory.',
  },
  {
    file: 'src/core/admission.ts',
    line: 'if (lease.value !== undefined) this.listening = [...(this.listening ?? []), lease];',
    changes: ['[] → ["Stryker was here"]'],
    because: 'A text has no `value` that would be called.',
  },
  {
    file: 'src/core/admission.ts',
    line: 'for (const lease of leases) lease.value?.(value);',
    changes: ['lease.value?.(value) → lease.value(value)'],
    because: 'Only those listen that have it; the question is for the compiler.',
  },
  {
    file: 'src/core/admission.ts',
    line: 'this.leases = [];',
    changes: ['[] → ["Stryker was here"]'],
    because: 'None has agreed from here on, so nobody looks into the list.',
  },
  {
    file: 'src/core/admission.ts',
    line: 'if (place === undefined && agreed === 0) return;',
    changes: ['place === undefined && agreed === 0 → false'],
    because: 'Nothing is left, and nothing is given back.',
  },
  {
    file: 'src/core/demand.ts',
    line: "if (options.some((option) => typeof option === 'function')) return make;",
    changes: [
      "options.some((option) => typeof option === 'function') → true",
      "typeof option === 'function' → true",
    ],
    because: 'What is the same for all is made once: to make it anew for each changes nothing.',
  },
  {
    file: 'src/core/scope.ts',
    line: 'this.#done ??= [];',
    changes: ['[] → ["Stryker was here"]'],
    because: 'Nobody asks about a text.',
  },
  {
    file: 'src/core/scope.ts',
    line: 'if (!teardown || this.closed) return super.add(teardown);',
    changes: ['!teardown || this.closed → true', '!teardown → teardown', '!teardown → false'],
    because: 'What stands in the list of RxJS is stopped as well: `npm run bench` measures the memory.',
  },
  {
    file: 'src/core/scope.ts',
    line: 'if (teardown instanceof LeavingSubscriber) this.upstream = teardown;',
    changes: ['teardown instanceof LeavingSubscriber → false'],
    because: 'What stands in the list of RxJS is stopped as well: `npm run bench` measures the memory.',
  },
  {
    file: 'src/core/event-bus.ts',
    line: 'if (error === undefined && errors === undefined) return data;',
    changes: ['error === undefined && errors === undefined → false'],
    because: 'What tells of no error need not be written down: the copy is spared.',
  },
  {
    file: 'src/core/unhandled.ts',
    line: 'config.onUnhandledError?.(thrown);',
    changes: ['config.onUnhandledError?.(thrown) → config.onUnhandledError(thrown)'],
    because: 'What is thrown there goes no further: the question is for the compiler.',
  },
  {
    file: 'src/core/label.ts',
    line: 'Object.defineProperty(declared, LABEL, { value: true });',
    changes: ['true → false'],
    because: 'It is only asked whether it is there.',
  },
  {
    file: 'src/core/config.ts',
    line: "if (issue.code === 'invalid_union' && Array.isArray(issue.options))",
    changes: ["issue.code === 'invalid_union' → true"],
    because: 'Nothing else has options: the question is for the compiler.',
  },
  {
    file: 'src/core/lease.ts',
    line: 'start(): Error | undefined {',
    changes: ['{ return undefined; } → {}'],
    because: 'A function that returns nothing returns `undefined`.',
  },
  {
    file: 'src/core/lease.ts',
    line: 'if (signal) unlisten(signal, waiting);',
    changes: ['signal → true'],
    because: 'No signal has no listeners; the question is for the compiler.',
  },
];

export const changeOf = ({ before, after }: Survivor): string => `${before} → ${after}`;

export const reasonFor = (file: string, survivor: Survivor): string | undefined =>
  explained.find(
    ({ file: other, line, changes }) =>
      other === file && line === survivor.text && changes.includes(changeOf(survivor)),
  )?.because;

export const unexplained = (file: string, survivors: readonly Survivor[]): Survivor[] =>
  survivors.filter((survivor) => reasonFor(file, survivor) === undefined);
