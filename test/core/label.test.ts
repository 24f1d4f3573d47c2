import { install, type Recorder, setGlobalEnv, type Trace } from '@rxjs-insights/core';
import { concat, map, NEVER, Observable, of, Subject, Subscriber, take, throwError, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';
import {
  currentTrace,
  isOurs,
  labelled,
  labelledField,
  labelledStream,
  labelOf,
  traced,
} from '../../src/core/label.ts';
import { recovering } from '../../src/core/recovery.ts';

const boom = new Error('boom');

describe('without developer tools', () => {
  test('an operator is what it was', () => {
    const operator = map((value: number) => value + 1);
    expect(labelled('increment', 'policy', operator)).toBe(operator);
  });

  test('a stream and a task are what they were, and a stream that is kept remembers its name', () => {
    const stream = of(1);
    const task = (): void => {};
    expect(labelledStream('one', 'policy', stream)).toBe(stream);
    expect(labelOf(stream)).toBeUndefined();
    expect(labelledField('one$', 'policy', stream)).toBe(stream);
    expect(labelOf(stream)).toStrictEqual({ name: 'one$', policy: 'policy' });
    expect(currentTrace()).toBeUndefined();
    expect(traced(task)).toBe(task);
  });
});

describe('with @rxjs-insights installed', () => {
  const declared: { name: string; args: unknown; ours: boolean }[] = [];
  const tags: unknown[] = [];
  const traces: Trace[] = [];
  const { subscribe } = Observable.prototype;
  const { next, error, complete } = Subject.prototype;

  beforeEach(() => {
    declared.length = 0;
    tags.length = 0;
    const ref = (): never => ({}) as never;
    const recorder: Recorder = {
      declarationRef(name, func, args) {
        declared.push({ name, args, ours: func !== undefined && isOurs(func) });
        return ref();
      },
      observableRef: ref,
      subscriberRef: ref,
      callerRef: ref,
      observableEventRef: ref,
      subscriberEventRef: ref,
      addTag: (_, tag) => tags.push(tag),
      setInternal() {},
      startTask() {},
      endTask() {},
    };
    const tracer = {
      getTrace: () => traces.at(-1),
      run<T>(trace: Trace, run: () => T): T {
        traces.push(trace);
        try {
          return run();
        } finally {
          traces.pop();
        }
      },
    };
    install({ Observable, Subject, Subscriber, recorder, tracer, locator: { locate: () => ({}) } });
  });

  afterEach(() => {
    setGlobalEnv(null);
    Observable.prototype.subscribe = subscribe;
    Object.assign(Subject.prototype, { next, error, complete });
  });

  test('an operator has its name, and its only argument is the name of its policy', () => {
    const config = { name: 'images', maxConcurrent: 3, events: new EventBus() };
    of(1).pipe(bulkhead(config));
    expect(declared.filter(({ name }) => name === 'bulkhead')).toStrictEqual([
      { name: 'bulkhead', args: ['images'], ours: true },
    ]);
  });

  test('a stream that is kept has its name, and the name of its policy if there is one', () => {
    labelledField('state$', 'images', new Observable());
    labelledField('Bus', undefined, new Observable());
    expect(declared).toStrictEqual([
      { name: 'state$', args: ['images'], ours: true },
      { name: 'Bus', args: [], ours: true },
    ]);
    expect(tags).toStrictEqual(['images']);
    expect(isOurs(() => {})).toBe(false);
  });

  test('a composition is another object than its outermost layer, which has a name already', () => {
    const layer = labelled('layer', 'inner', (source) => new Observable((it) => source.subscribe(it)));
    const layers: unknown[] = [];
    const composition = labelled('composition', 'outer', (source) => {
      layers.push(layer(source));
      return layers[0] as Observable<unknown>;
    });
    expect(NEVER.pipe(composition)).not.toBe(layers[0]);
    expect(declared.filter(({ ours }) => ours).map(({ name }) => name)).toStrictEqual([
      'layer',
      'composition',
    ]);
  });

  test('a task for later is part of what runs now, if anything does', () => {
    const seen: unknown[] = [];
    const task = (): void => void seen.push(traces.at(-1));
    expect(currentTrace()).toBeUndefined();
    expect(traced(task)).toBe(task);
    const trace = {} as Trace;
    traces.push(trace);
    const later = traced(task);
    traces.pop();
    later();
    expect(seen).toStrictEqual([trace]);
  });

  test('an operator still does what it does', () => {
    const operator = labelled(
      'increment',
      'policy',
      map((value: number) => value + 1),
    );
    const heard = vi.fn();
    of(1, 2).pipe(operator, toArray()).subscribe(heard);
    expect(heard).toHaveBeenCalledWith([2, 3]);
  });

  test('admissions are taken and given back at every exit, one upon the other or alone', () => {
    const outer = new Bulkhead({ maxConcurrent: 1 });
    const inner = new Bulkhead({ maxConcurrent: 1 });
    const through = (source: Observable<unknown>): Observable<unknown> =>
      source.pipe(bulkhead(inner), bulkhead(outer));
    const counts = (): number[] => [outer.activeCount, inner.activeCount, outer.queueSize];
    const log: unknown[] = [];

    const held = through(new Observable(() => {})).subscribe();
    through(of('a', 'b'))
      .pipe(take(1))
      .subscribe({ next: (value) => log.push(value), complete: () => log.push('done') });
    expect(counts()).toStrictEqual([1, 1, 1]);
    held.unsubscribe();
    expect(log).toStrictEqual(['a', 'done']);
    expect(counts()).toStrictEqual([0, 0, 0]);
    through(throwError(() => boom)).subscribe({ error: (thrown) => log.push(thrown) });
    through(of('c')).subscribe((value) => log.push(value));
    expect(log.slice(2)).toStrictEqual([boom, 'c']);
    expect(counts()).toStrictEqual([0, 0, 0]);
  });

  test('an operator is what it was as soon as they are removed', () => {
    setGlobalEnv(null);
    const operator = map((value: number) => value + 1);
    expect(labelled('increment', 'policy', operator)).toBe(operator);
    expect(currentTrace()).toBeUndefined();
  });

  test('recovery keeps its rule', () => {
    const log: unknown[] = [];
    const attempts = [
      throwError(() => boom),
      concat(
        of('a'),
        throwError(() => boom),
      ),
    ];
    recovering<unknown>(
      throwError(() => boom),
      () => ({ recover: () => attempts.shift() ?? of('never') }),
    ).subscribe({
      next: (value) => log.push(value),
      error: (thrown) => log.push(thrown),
    });
    expect(log).toStrictEqual(['a', boom]);
  });

  test('the bus tells everybody in one order, and a listener that throws harms nobody', () => {
    const bus = new EventBus();
    const heard: string[] = [];
    bus.on('timed_out').subscribe(() => {
      if (heard.length === 0) bus.publish('circuit_rejected', 'second', {});
      throw boom;
    });
    bus.subscribe(({ source }) => heard.push(source));
    bus.publish('timed_out', 'first', { kind: 'total', after: 5 });
    expect(heard).toStrictEqual(['first', 'second']);
  });
});
