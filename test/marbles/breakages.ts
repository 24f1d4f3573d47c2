/** One mistake in the code, and the rules of the contract that it breaks. */
export interface Breakage {
  /** `Section: rule`. */
  readonly rules: readonly string[];
  readonly file: string;
  /**
   * What stands there, once, and what would be wrong: an expression, or a statement with its semicolon. If `wrong` says
   * BROKEN it replaces the text as it is, with the condition in place of the word.
   */
  readonly edits: readonly { readonly right: string; readonly wrong: string }[];
}

const breakage = (
  rules: string | readonly string[],
  file: string,
  right: string,
  wrong: string,
): Breakage => ({
  rules: [rules].flat(),
  file: `src/${file}`,
  edits: [{ right, wrong }],
});

const ADMISSION = 'core/admission.ts';
const RECOVERY = 'core/recovery.ts';
const ATTEMPT = 'core/attempt-subscriber.ts';
const RACE = 'core/race.ts';
const DEADLINES = 'core/deadlines.ts';
const CIRCUIT = 'circuit-breaker/circuit.ts';
const EVIDENCE = 'circuit-breaker/evidence.ts';
const PLACES = 'core/places.ts';
const LIMITER = 'rate-limit/rate-limiter.ts';
const ROOM = 'core/waiting-room.ts';
const LEASE = 'rate-limit/rate-limit-lease.ts';
const RETRY_RUN = 'retry/retry-run.ts';
const HEDGE_RUN = 'hedge/hedge-run.ts';
const FALLBACK_RUN = 'fallback/fallback-run.ts';
const RESILIENCE = 'pipeline/resilience.ts';
const PROVIDER = 'chat/resilient-provider.ts';

const CANCELLED = '(leases[--held] as Lease).neutral();';

const ORDER = 'The order of composition';

/** A layer of `resilience()` that is put inside of all others. */
const innermost = (operator: string, rules: readonly string[]): Breakage =>
  breakage(
    rules.map((rule) => `${ORDER}: ${rule}`),
    RESILIENCE,
    `layers.push(${operator}(`,
    `layers[BROKEN ? 'unshift' : 'push'](${operator}(`,
  );

export const breakages: readonly Breakage[] = [
  breakage(
    'Every operator: Who has nothing to do is not seen',
    ATTEMPT,
    'this.stream.emitted++;',
    'this.destination.next(value);',
  ),
  breakage(
    'Every operator: Nothing happens before the subscription',
    'retry/operator.ts',
    'recovering<T | R>(source, () => new RetryRun(policy, source))',
    '((run) => recovering(source, () => run))(new RetryRun(policy, source))',
  ),
  breakage(
    'Every operator: Shared state is an object that you make',
    'bulkhead/operator.ts',
    'bulkhead instanceof Places ? bulkhead : new Bulkhead(bulkhead)',
    'new Bulkhead({ maxConcurrent: 1 })',
  ),
  breakage(
    'Every operator: A refused attempt never reaches the source',
    ADMISSION,
    'if (!this.admitted()) return;',
    'this.admitted();',
  ),
  breakage(
    'Every operator: Release, then notify',
    ADMISSION,
    'const verdict = this.settle(failure);',
    'if (BROKEN) { if (failure) super._error(failure.error); else super._complete(); }\n const verdict = this.settle(failure);',
  ),
  breakage('Every operator: Every exit settles once', ADMISSION, CANCELLED, 'held--;'),
  breakage(
    'Every operator: A cancel is neutral',
    ADMISSION,
    CANCELLED,
    "(leases[--held] as Lease).failure('cancelled');",
  ),
  breakage(
    'Every operator: A refusal is no failure',
    'circuit-breaker/classification.ts',
    "if (isLocalRejection(error)) return 'neutral';",
    '',
  ),
  breakage(
    'Every operator: One clock',
    RECOVERY,
    'if (delay === 0) return within(scope, make);',
    'delay = delay || 1;',
  ),
  breakage(
    'Every operator: Chance is given from outside',
    'retry/retry-policy.ts',
    'options.random ?? defaultRandom',
    '() => 0',
  ),
  breakage(
    'Every operator: A callback that throws is an error of its stream',
    RETRY_RUN,
    'reportUnhandled(thrown);',
    'throw thrown;',
  ),
  breakage(
    'Every operator: Listeners hear what has happened, in one order',
    'core/ordered-subject.ts',
    'if (this.#announcing) return;',
    '',
  ),

  breakage(
    'Circuit breaker: One stream is one call, judged by its end',
    'circuit-breaker/circuit-lease.ts',
    'this.#circuit.firstValue(this);',
    'this.success();',
  ),
  breakage('Circuit breaker: States', CIRCUIT, "reason && phase.state === 'closed'", 'reason'),
  {
    rules: ['Circuit breaker: A result belongs to the generation of its call'],
    file: `src/${CIRCUIT}`,
    edits: [
      { right: 'lease.phase !== this.#phase', wrong: 'false' },
      { right: 'if (lease.phase !== phase) return;', wrong: '' },
    ],
  },
  breakage(
    'Circuit breaker: An error is a failure, a success, or neutral',
    'circuit-breaker/classification.ts',
    "isCallerError(error) ? 'neutral' : 'failure'",
    "'failure'",
  ),
  breakage('Circuit breaker: Failures in a row open it', EVIDENCE, 'this.#length = 0;', ''),
  breakage(
    'Circuit breaker: A rate opens it',
    EVIDENCE,
    'failures / calls >= failureRate',
    'failures / calls > failureRate',
  ),
  breakage(
    'Circuit breaker: A rate opens it',
    EVIDENCE,
    'calls < minimumCalls',
    'calls < minimumCalls || !failed',
  ),
  breakage(
    'Circuit breaker: A time window forgets by the clock',
    'circuit-breaker/time-window.ts',
    'this.#clear(this.#bucket(number))',
    'undefined',
  ),
  breakage(
    'Circuit breaker: Slow calls open it as well',
    CIRCUIT,
    '(lease.took ?? this.#durationOf(lease)) > slowCall.threshold',
    '(lease.took ?? this.#durationOf(lease)) >= slowCall.threshold',
  ),
  breakage(
    'Circuit breaker: Open, it refuses and says until when',
    CIRCUIT,
    'this.#listener.rejected(retryAfter);',
    'this.#listener.rejected(undefined);',
  ),
  breakage('Circuit breaker: The recovery time may grow', CIRCUIT, 'phase.reopenings + 1', '0'),
  breakage(
    'Circuit breaker: Half-open, a few probes decide',
    'circuit-breaker/probes.ts',
    'this.#running >= this.#limits.places',
    'this.#running > this.#limits.places',
  ),
  breakage('Circuit breaker: No probe can wedge it', CIRCUIT, 'probes.end();', ''),
  breakage(
    'Circuit breaker: No probe can wedge it',
    CIRCUIT,
    'if (phase.probes.running === 1) this.#watchProbes(phase);',
    '',
  ),
  breakage(
    'Circuit breaker: What is set by hand stays',
    CIRCUIT,
    '    this.#disarm();\n    this.#phase = phase;',
    '    if (!(BROKEN)) this.#disarm();\n    this.#phase = phase;',
  ),
  breakage(
    'Circuit breaker: It moves to another process',
    'circuit-breaker/circuit-memory.ts',
    'clock.now() + retryAfter',
    'clock.now() + 2 * retryAfter',
  ),
  breakage(
    'Circuit breaker: It tells how it is',
    'circuit-breaker/circuit-stats.ts',
    'seenIn(phase)',
    '[NOTHING, 1]',
  ),

  breakage(
    'Retry with back-off: maxRetries counts the extra attempts',
    RETRY_RUN,
    'retry > maxRetries',
    'retry >= maxRetries',
  ),
  breakage('Retry with back-off: The commit rule', RECOVERY, '(!committed)', '(true)'),
  breakage(
    'Retry with back-off: Unless the author says how to go on',
    RECOVERY,
    'if (recovery.resume) return recovery.resume({ error, emitted });',
    '',
  ),
  breakage(
    'Retry with back-off: Waits grow, and are bounded',
    'retry/backoff.ts',
    'base * Math.min(multiplier ** (attempt - 1), Number.MAX_VALUE)',
    'base',
  ),
  breakage(
    'Retry with back-off: Waits grow, and are bounded',
    'retry/retry-policy.ts',
    'Math.min(delay, this.#longestBackoff)',
    'delay',
  ),
  breakage(
    "Retry with back-off: A server's own delay wins when it is longer",
    RETRY_RUN,
    'Math.max(asked, this.#backoff)',
    'this.#backoff',
  ),
  breakage('Retry with back-off: What is retried', RETRY_RUN, '!policy.accepts(error, retry)', 'false'),
  breakage(
    'Retry with back-off: Why it gives up',
    RETRY_RUN,
    'if (isCancellation(error)) return error;',
    'return error;',
  ),
  breakage(
    'Retry with back-off: An open circuit is left alone',
    'core/errors/verdicts.ts',
    'return retryAfterOf(error) !== undefined || isProbed(failure);',
    'return true;',
  ),
  breakage(
    ['Retry with back-off: A budget bounds all that share it', 'Hedge: A budget bounds the load'],
    'core/retry-budget.ts',
    'this.#funds() < this.#price',
    'false',
  ),
  breakage('Retry with back-off: One event a retry', RETRY_RUN, "'retry_attempted'", "'retry_exhausted'"),
  breakage(
    'Retry with back-off: A total over all attempts and waits',
    ATTEMPT,
    'this.timer = this.limit.clock.at(this.limit.due, this.expire.bind(this));',
    'return;',
  ),
  breakage(
    'Retry with back-off: A wait that is no time is an error',
    'retry/retry-policy.ts',
    'Number.isFinite(delay) && delay >= 0',
    'Number.isFinite((delay = delay || 0))',
  ),

  breakage(
    'Hedge: Another attempt joins one that is late',
    HEDGE_RUN,
    'new Postponed(clock, patience, () => this.#hedge(patience))',
    'undefined',
  ),
  breakage(
    'Hedge: The delay may be a live percentile',
    'hedge/latency-percentile.ts',
    'this.count < minimumSamples',
    'true',
  ),
  breakage('Hedge: The first to commit wins', RACE, 'held.push(value);', 'this.deliver(value);'),
  breakage('Hedge: The first to commit wins', RACE, 'this.left ??= held;', ''),
  breakage(
    'Hedge: Losers are gone before the winner is heard',
    RACE,
    'for (const runner of waitingFirst) runner.tearDown();',
    '',
  ),
  breakage(
    'Hedge: All fail: one error',
    HEDGE_RUN,
    'new HedgeExhaustedError(this.#policy.name, errors)',
    'errors[0]',
  ),
  breakage('Hedge: A cancel ends all attempts', RACE, 'super.unsubscribe();', ''),
  breakage(`${ORDER}: A hedge stands between the retry and the breaker`, RACE, '!scope.waiting', 'true'),
  breakage(
    'Chat streams: A race is decided by the first word',
    'chat/guarded-provider.ts',
    'racesProviders(hedge)',
    'true',
  ),
  innermost('hedge', ['A hedge stands between the retry and the breaker']),

  breakage(
    'Bulkhead: A place for the life of a stream',
    PLACES,
    'this.#activeCount < this.#places && this.#line.isFree(priority)',
    'true',
  ),
  breakage(
    'Bulkhead: Nobody is overtaken, no place is lost',
    'core/waiting-line.ts',
    'this.line.abandon(this);',
    '',
  ),
  breakage(
    'Bulkhead: A refusal says why',
    PLACES,
    "this.#events.publish('bulkhead_rejected', this.name, { reason, ...state });",
    '',
  ),
  breakage(
    'Bulkhead: The more urgent first, and nobody in vain',
    ROOM,
    'wait !== undefined && !isDue(wait, terms.patience)',
    'false',
  ),

  breakage(
    'Rate limit: One permit a stream',
    'rate-limit/token-bucket.ts',
    'isDue(now - this.#fullAt, this.refill(this.#taken))',
    'this.#fullAt > 0 || isDue(now - this.#fullAt, this.refill(this.#taken))',
  ),
  breakage(
    'Rate limit: A bounded line, first come, first served',
    ROOM,
    'wait !== undefined && !isDue(wait, terms.patience)',
    'false',
  ),
  breakage(
    'Rate limit: A permit that was used is used',
    LEASE,
    "outcome === 'failure' && !this.#answered && nothingWasSent(error)",
    "outcome !== 'success'",
  ),
  breakage(
    'Rate limit: Tokens are reserved, counted and settled',
    LEASE,
    'this.#desk.book(charged, load);',
    '',
  ),
  breakage(
    'Rate limit: Tokens are reserved, counted and settled',
    'rate-limit/buckets.ts',
    'Math.min(load[this.dimension] as number, this.burst)',
    'load[this.dimension] as number',
  ),
  breakage(
    'Rate limit: One refusal of the service stops the herd',
    LIMITER,
    'this.#buckets.leaveRoomFor(this.#line.first?.load ?? ONE_REQUEST, moment);',
    '',
  ),
  breakage(
    'Rate limit: One refusal of the service stops the herd',
    'rate-limit/server-feedback.ts',
    'remaining - this.#traffic.unseenBy(departure, dimension)',
    'remaining + 3',
  ),
  breakage(
    'Rate limit: The more urgent first, and nobody in vain',
    'core/waiting-line.ts',
    '(lanes[index] as Lane<A>).priority > priority',
    '(lanes[index] as Lane<A>).priority < priority',
  ),
  breakage(
    'Rate limit: A refusal says when there is a permit',
    LIMITER,
    "this.#events.publish('rate_limited', this.name, { retryAfter, outcome: 'rejected' });",
    '',
  ),

  breakage(
    'Timeout: Three clocks',
    DEADLINES,
    "consider('each', Number.isNaN(this.idleSince.at) ? now : this.idleSince.at, each)",
    "consider('each', begun, each)",
  ),
  breakage(
    'Timeout: A timeout is an ordinary error',
    'circuit-breaker/classification.ts',
    'if (classify) return classify(error);',
    "if (error.name === 'StreamTimeoutError') return 'neutral';",
  ),
  breakage(
    'Timeout: A cancel is no timeout, nor the other way round',
    DEADLINES,
    '    this.tearDown();\n    // Whoever',
    '    if (!(BROKEN)) this.tearDown();\n    // Whoever',
  ),
  breakage('Timeout: An answer instead of the error', 'timeout/operator.ts', 'answer === undefined', 'true'),

  breakage(
    'Fallback: A value, a function, or a chain in order',
    FALLBACK_RUN,
    'alternatives[alternative - 1]',
    'alternatives[0]',
  ),
  breakage('Fallback: Two answers are never mixed', FALLBACK_RUN, 'this.#policy.midStream', 'true'),
  breakage(
    'Fallback: When all fail, every error is told',
    FALLBACK_RUN,
    'new FallbackExhaustedError(name, errors)',
    'error',
  ),

  innermost('bulkhead', ['A wait for a permit or a place is no part of a slow call']),
  innermost('rateLimit', ['A wait for a permit or a place is no part of a slow call']),
  innermost('circuitBreaker', ['The breaker sees every attempt', 'An open circuit uses no quota']),
  innermost('retryWithBackoff', ['The breaker sees every attempt']),
  innermost('fallback', ['One order', 'The fallback sees the final verdict']),
  breakage(
    'The order of composition: The total bounds waits and back-offs',
    RESILIENCE,
    'Math.min(known, retry.timeout)',
    'retry.timeout',
  ),
  breakage(
    "The order of composition: One provider's total, and the patience of the caller",
    PROVIDER,
    'patience !== undefined',
    'false',
  ),
  breakage(
    'The order of composition: What is said for the whole holds for the parts',
    RESILIENCE,
    '{ ...committing, random })));',
    '{ ...committing, random: BROKEN ? () => 0 : random })));',
  ),

  breakage(
    'Events: Every decision is an event',
    'core/event-bus.ts',
    'if (!this.observed) return;',
    'return;',
  ),

  breakage(
    'Chat streams: The commit is the first content',
    'chat/attempt.ts',
    "if (chunk.type !== 'finish' && !isContent(chunk)) return this.hold(chunk, this.preamble);",
    '',
  ),
  breakage('Chat streams: An answer that completes is whole', 'chat/attempt.ts', '!this.finished', 'false'),
  breakage(
    'Chat streams: A broken answer ends with what there was',
    PROVIDER,
    "recovery === 'fail' ? isContent : () => false",
    '() => false',
  ),
  breakage('Chat streams: A repair is visible', 'chat/call.ts', "marks.push({ type: 'retract' });", ''),
  breakage(
    'Chat streams: Only what is missing is asked for',
    'chat/attempt.ts',
    'said === undefined ? undefined : new Seam(said)',
    'undefined',
  ),
  breakage(
    'Chat streams: Clocks of a chat',
    'chat/clocks.ts',
    "if (liveness === 'any') signs.alive();",
    "if (BROKEN || liveness === 'any') signs.alive();",
  ),
  breakage(
    'Chat streams: Who is asked next',
    'chat/provider-chain.ts',
    'silent || isCircuitOpenError(failure)',
    'false',
  ),
  breakage(
    'Chat streams: An abort is an error of its own',
    PROVIDER,
    'if (signal !== undefined) chunks = chunks.pipe(untilAborted(signal));',
    '',
  ),

  breakage(
    'Health: A check answers in its own time, or is unhealthy',
    'health/registered-check.ts',
    'first: timeout,',
    'first: BROKEN ? Infinity : timeout,',
  ),
  breakage(
    'Health: The whole is as well as what is critical',
    'health/report.ts',
    "status === 'unhealthy' && critical",
    "status === 'unhealthy'",
  ),
  breakage(
    'Health: To watch is to share',
    'health/health-checker.ts',
    'this.#watched.get(interval) ?? this.#watch(interval)',
    'this.#watch(interval)',
  ),
  breakage('Health: Every change is an event', 'health/registered-check.ts', 'status !== before', 'true'),

  breakage(
    'Adaptive throttle: As much is tried as the other side nearly takes',
    'adaptive-throttle/adaptive-throttle.ts',
    'this.#multiplier * accepts',
    'accepts',
  ),
  breakage(
    'Adaptive throttle: A request counts once',
    'adaptive-throttle/adaptive-throttle.ts',
    "if (outcome === 'success') this.#settle('accepted');",
    "this.#settle(outcome === 'success' ? 'accepted' : 'rejected');",
  ),

  breakage(
    'Chaos: Off unless switched on, and never in secret',
    'chaos/operator.ts',
    "if (!Object.is(shown, value)) plan.announce('corrupt');",
    '',
  ),
  breakage(
    'Chaos: By chance, by number, by time',
    'chaos/chaos-plan.ts',
    'rate === 1 || this.#random() < rate',
    'true',
  ),
  breakage(
    'Chaos: Everything that another side can do wrong',
    'chaos/operator.ts',
    "fault === 'truncate' ? EMPTY : NEVER",
    'NEVER',
  ),
  breakage(
    'Chaos: Nothing outlives the subscription',
    'chaos/operator.ts',
    'if (plan.end?.after !== this.count || downstream.closed) return;\n    // The source stops; what it has said so far may still be on its way.\n    this.unsubscribe();',
    'if (plan.end?.after !== this.count || downstream.closed) return;',
  ),

  breakage(
    'Adaptive concurrency: A bulkhead whose limit moves',
    'adaptive-concurrency/aimd.ts',
    'within(limit + 1, bounds)',
    'limit',
  ),
  breakage(
    'Adaptive concurrency: Only what speaks of the limit is heard',
    'adaptive-concurrency/adaptive-concurrency.ts',
    'number > this.#loweredAt',
    'true',
  ),
  breakage(
    'Adaptive concurrency: A floor and a ceiling',
    'adaptive-concurrency/algorithm.ts',
    'Math.max(minLimit, limit)',
    'limit',
  ),
  breakage(
    'Adaptive concurrency: Algorithms that are known',
    'adaptive-concurrency/gradient.ts',
    'this.#dipping ? this.#half : this.#estimate',
    'this.#estimate',
  ),
];
