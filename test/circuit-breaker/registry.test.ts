import { VirtualTimeScheduler } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CircuitRegistry, getCircuitRegistry } from '../../src/circuit-breaker/index.ts';
import { EventBus } from '../../src/core/event-bus.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the registry', () => {
  it('of the process is one', () => {
    expect(getCircuitRegistry()).toBeInstanceOf(CircuitRegistry);
    expect(getCircuitRegistry()).toBe(getCircuitRegistry());
  });

  it('gives one circuit to all who ask for a name', () => {
    const registry = new CircuitRegistry();
    const breaker = registry.getOrCreate('search', { failureThreshold: 1 });
    expect(breaker.name).toBe('search');
    expect(registry.getOrCreate('search')).toBe(breaker);
    expect(registry.get('search')).toBe(breaker);
    expect(registry.get('other')).toBeUndefined();
    expect(registry.list()).toStrictEqual([breaker]);
  });

  it('lets callers agree in part, and does not compare functions, buses and schedulers', () => {
    const registry = new CircuitRegistry();
    const busy = new EventBus();
    busy.subscribe();
    const breaker = registry.getOrCreate('search', {
      window: { type: 'count', size: 5 },
      recoveryTimeout: () => 1,
      classify: () => 'failure',
      events: new EventBus(),
      scheduler: new VirtualTimeScheduler(),
    });
    expect(
      registry.getOrCreate('search', {
        halfOpenMaxCalls: 3,
        window: { size: 5, type: 'count', failureRate: 0.5 },
        recoveryTimeout: () => 2,
        classify: () => 'neutral',
        events: busy,
        scheduler: new VirtualTimeScheduler(undefined, 1_000),
      }),
    ).toBe(breaker);
  });

  it('an option that is undefined asks for nothing', () => {
    const registry = new CircuitRegistry();
    const breaker = registry.getOrCreate('search', { recoveryTimeout: 5 });
    expect(registry.getOrCreate('search', { recoveryTimeout: undefined })).toBe(breaker);
  });

  it.each([
    [{ failureThreshold: 4 }, 'option "failureThreshold" of circuit "search" is 3, got 4'],
    [{ recoveryTimeout: () => 1 }, 'option "recoveryTimeout" of circuit "search" is 60000, got a function'],
    [
      { window: { type: 'count', size: 5 } as const },
      'option "window" of circuit "search" is not set or a function, got {',
    ],
  ])('refuses a second opinion on one circuit: %o', (config, message) => {
    const registry = new CircuitRegistry();
    registry.getOrCreate('search', { failureThreshold: 3 });
    expect(() => registry.getOrCreate('search', config)).toThrow(message);
  });

  it('refuses bad options also for a circuit that is there', () => {
    const registry = new CircuitRegistry();
    registry.getOrCreate('search');
    expect(() => registry.getOrCreate('search', { failureThreshold: 0 })).toThrow(
      'option "failureThreshold"',
    );
    expect(() => new CircuitRegistry({ capacity: 0 })).toThrow('CircuitRegistry: option "capacity"');
  });

  it('resets one or all', () => {
    const registry = new CircuitRegistry();
    for (const name of ['a', 'b', 'c']) registry.getOrCreate(name).forceOpen();
    expect(registry.reset('a')).toBe(true);
    expect(registry.reset('nobody')).toBe(false);
    expect(
      registry
        .list()
        .map(({ state }) => state)
        .sort(),
    ).toStrictEqual(['closed', 'forced-open', 'forced-open']);
    registry.resetAll();
    expect(registry.list().map(({ state }) => state)).toStrictEqual(['closed', 'closed', 'closed']);
  });

  it('tells who comes and goes, after it has', () => {
    const registry = new CircuitRegistry({ capacity: 1 });
    const heard: unknown[] = [];
    registry.changes$.subscribe(({ type, breaker }) =>
      heard.push([type, breaker.name, registry.get(breaker.name) === breaker]),
    );
    registry.getOrCreate('a');
    registry.getOrCreate('b');
    expect(registry.remove('b')).toBe(true);
    expect(registry.remove('b')).toBe(false);
    expect(heard).toStrictEqual([
      ['added', 'a', true],
      ['evicted', 'a', false],
      ['added', 'b', true],
      ['removed', 'b', false],
    ]);
  });

  it('evicts nobody while there is room', () => {
    const registry = new CircuitRegistry({ capacity: 2 });
    const heard: string[] = [];
    registry.changes$.subscribe(({ type }) => heard.push(type));
    registry.getOrCreate('a');
    registry.getOrCreate('b');
    expect(heard).toStrictEqual(['added', 'added']);
  });

  it('forgets the idle circuit that nobody has asked for the longest time', () => {
    const registry = new CircuitRegistry({ capacity: 3 });
    for (const name of ['a', 'b', 'c']) registry.getOrCreate(name);
    registry.get('a');
    registry.getOrCreate('d');
    expect(registry.list().map(({ name }) => name)).toStrictEqual(['c', 'a', 'd']);
  });

  it('a listener that asks for the newcomer when it hears of the eviction gets the same circuit', () => {
    const registry = new CircuitRegistry({ capacity: 1 });
    const heard: unknown[] = [];
    registry.getOrCreate('old');
    registry.changes$.subscribe(({ type }) => {
      heard.push(type, registry.getOrCreate('new'), registry.list().length);
    });
    const breaker = registry.getOrCreate('new');
    expect(heard).toStrictEqual(['evicted', breaker, 1, 'added', breaker, 1]);
  });

  it('a listener that removes the newcomer when it hears of the eviction is heard of last', () => {
    const registry = new CircuitRegistry({ capacity: 1 });
    const heard: string[] = [];
    registry.getOrCreate('old');
    registry.changes$.subscribe(({ type, breaker }) => {
      heard.push(`${type} ${breaker.name}`);
      if (type === 'evicted') registry.remove('new');
    });
    registry.getOrCreate('new');
    expect(heard).toStrictEqual(['evicted old', 'added new', 'removed new']);
  });

  it('never forgets a circuit that is not closed or has a call in flight, and refuses the newcomer instead', () => {
    const registry = new CircuitRegistry({ capacity: 3 });
    const lease = registry.getOrCreate('busy').acquire();
    registry.getOrCreate('open').forceOpen();
    registry.getOrCreate('idle');
    registry.getOrCreate('next').disable();
    expect(registry.list().map(({ name }) => name)).toStrictEqual(['busy', 'open', 'next']);
    expect(() => registry.getOrCreate('last')).toThrow(
      'CircuitRegistry: no room for "last": option "capacity" is 3',
    );
    lease.neutral();
    registry.getOrCreate('last');
    expect(registry.get('busy')).toBeUndefined();
  });
});

it('announces what comes and goes, in one order with `changes$` also when a listener acts', () => {
  const events = new EventBus();
  const registry = new CircuitRegistry({ name: 'mine', events, capacity: 1 });
  const heard: string[] = [];
  events.on('registry_changed').subscribe(({ source, data }) => {
    heard.push(`${source}: ${data.name} ${data.change}`);
    if (data.name === 'b' && data.change === 'added') registry.remove('b');
  });
  const changes: string[] = [];
  registry.changes$.subscribe(({ type, breaker }) => changes.push(`mine: ${breaker.name} ${type}`));
  registry.getOrCreate('a');
  registry.getOrCreate('b');
  expect(heard).toStrictEqual(['mine: a added', 'mine: a evicted', 'mine: b added', 'mine: b removed']);
  expect(changes).toStrictEqual(heard);
  const { name } = new CircuitRegistry();
  expect(name).toBe('circuit-registry');
});
