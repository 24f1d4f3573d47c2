import { lastValueFrom, Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Bulkhead, bulkhead } from '../../src/bulkhead/index.ts';
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

      @resilient.stream(bulkhead(places))
      watch(): Observable<number> {
        return of(++ran);
      }
    }
    await expect(new Service().load()).rejects.toSatisfy(isBulkheadRejectedError);
    await expect(lastValueFrom(new Service().watch())).rejects.toSatisfy(isBulkheadRejectedError);
    expect(ran).toBe(0);
    lease.neutral();
  });

  it('makes a cold stream of an Observable method: called for every attempt, not before', async () => {
    class Service {
      calls = 0;

      @resilient.stream(resilience({ retry }))
      watch(from: string): Observable<string> {
        this.calls++;
        return this.calls < 3 ? throwError(() => new Error('not yet')) : of(`${from} ${this.calls}`);
      }
    }
    const service = new Service();
    const stream = service.watch('a');
    expect(stream).toBeInstanceOf(Observable);
    expect(service.calls).toBe(0);
    await expect(lastValueFrom(stream)).resolves.toBe('a 3');
    await expect(lastValueFrom(stream)).resolves.toBe('a 4');
  });

  it('makes an error of what an Observable method throws', async () => {
    class Service {
      @resilient.stream()
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
