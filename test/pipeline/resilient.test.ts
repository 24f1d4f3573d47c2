import { lastValueFrom, Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
import { CircuitBreaker, circuitBreaker } from '../../src/circuit-breaker/index.ts';
import { isBulkheadRejectedError, isConfigurationError } from '../../src/core/errors.ts';
import { resilience, resilient } from '../../src/pipeline/index.ts';
import { fixedBackoff } from '../../src/retry/index.ts';

const retry = { maxRetries: 2, backoff: fixedBackoff(0) };

describe('@resilient', () => {
  it('calls a promise method again, with its this and its arguments', async () => {
    class Service {
      #calls = 0;

      @resilient(resilience({ retry }))
      async load(id: number): Promise<string> {
        this.#calls++;
        if (this.#calls < 3) throw new Error('not yet');
        return `${id} after ${this.#calls}`;
      }
    }
    await expect(new Service().load(7)).resolves.toBe('7 after 3');
  });

  it('takes methods that return a promise without being async, and static ones', async () => {
    class Service {
      @resilient(resilience({ retry }))
      load(): Promise<string> {
        return Promise.resolve(this.constructor.name);
      }

      @resilient(resilience({ retry }))
      static find(): Promise<string> {
        return Promise.resolve(this.name);
      }
    }
    const promises = [new Service().load(), Service.find()];
    for (const promise of promises) expect(promise).toBeInstanceOf(Promise);
    await expect(Promise.all(promises)).resolves.toStrictEqual(['Service', 'Service']);
  });

  it('shares its policies among all instances of the class', async () => {
    const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 0 });
    class Service {
      @resilient(bulkhead(places))
      async load(): Promise<string> {
        return 'a';
      }
    }
    const first = new Service().load();
    await expect(new Service().load()).rejects.toSatisfy(isBulkheadRejectedError);
    await expect(first).resolves.toBe('a');
  });

  it('never runs a method that is not admitted', async () => {
    const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 0 });
    const lease = await places.acquire();
    let ran = 0;
    class Service {
      @resilient(bulkhead(places))
      async load(): Promise<number> {
        return ++ran;
      }

      @resilient(bulkhead(places))
      watch(): Observable<number> {
        return of(++ran);
      }
    }
    await expect(new Service().load()).rejects.toSatisfy(isBulkheadRejectedError);
    await expect(lastValueFrom(new Service().watch())).rejects.toSatisfy(isBulkheadRejectedError);
    expect(ran).toBe(0);
    lease.neutral();
  });

  it('makes a stream of an Observable method, which is called once for every attempt', async () => {
    class Service {
      calls = 0;

      @resilient(resilience({ retry }))
      watch(from: string): Observable<string> {
        this.calls++;
        return this.calls < 3 ? throwError(() => new Error('not yet')) : of(`${from} ${this.calls}`);
      }
    }
    const service = new Service();
    const first = service.watch('a');
    expect(first).toBeInstanceOf(Observable);
    await expect(lastValueFrom(first)).resolves.toBe('a 3');
    await expect(lastValueFrom(first)).resolves.toBe('a 4');
    const second = service.watch('b');
    expect(service.calls).toBe(4);
    await expect(lastValueFrom(second)).resolves.toBe('b 5');
  });

  it('finds out what a method returns without counting that as a call', () => {
    const breaker = new CircuitBreaker();
    const places = new Bulkhead({ maxConcurrent: 1, maxQueue: 0 });
    class Service {
      @resilient<string>(bulkhead(places), circuitBreaker(breaker))
      watch(): Observable<string> {
        return of('a');
      }
    }
    new Service().watch();
    expect(places.activeCount).toBe(0);
    expect(breaker.stats).toMatchObject({ successCount: 0, failureCount: 0, activeCount: 0 });
  });

  it('serves either kind of caller when the very first call has to wait', async () => {
    const places = new Bulkhead({ maxConcurrent: 1 });
    class Service {
      @resilient<string>(bulkhead(places))
      load(): Promise<string> {
        return Promise.resolve('loaded');
      }

      @resilient<string>(bulkhead(places))
      watch(): Observable<string> {
        return of('watched');
      }
    }
    const lease = await places.acquire();
    const service = new Service();
    const answers = Promise.all([service.load(), lastValueFrom(service.watch())]);
    lease.success();
    await expect(answers).resolves.toStrictEqual(['loaded', 'watched']);
    await Promise.resolve();
    expect(places.activeCount).toBe(0);
  });

  it('makes an error of what an Observable method throws', async () => {
    class Service {
      @resilient()
      watch(): Observable<string> {
        throw new Error('sync');
      }
    }
    await expect(lastValueFrom(new Service().watch())).rejects.toThrow('sync');
  });

  it.each([
    ['a class', () => resilient()(class {} as never, { kind: 'class' } as never), 'methods only, got class'],
    ['a legacy decorator', () => resilient()({} as never, 'load' as never), 'experimentalDecorators'],
    [
      'what is not an operator',
      () => resilient({ retry: 3 } as never),
      'resilient: option "operators.0" must be an operator',
    ],
  ])('refuses %s when the class is defined', (_, define, message) => {
    expect(define).toThrow(message);
    expect(define).toThrow(expect.toSatisfy(isConfigurationError) as Error);
  });
});
