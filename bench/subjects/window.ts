import { CircuitState as Cockatiel, CountBreaker } from 'cockatiel';
import { CountWindow } from '../../src/circuit-breaker/count-window.ts';
import type { OutcomeWindow } from '../../src/circuit-breaker/outcome-window.ts';
import { TimeWindow } from '../../src/circuit-breaker/time-window.ts';
import { CircuitBreaker } from '../../src/index.ts';
import { type Contestant, timed } from '../measure.ts';
import { table } from '../table.ts';

/** One call in four fails: too few to open anything. */
const fails = (call: number): boolean => call % 4 === 0;
const error = new Error('503');

function window(name: string, size: number, window: OutcomeWindow, calls: number): Contestant {
  return timed(name, () => {
    for (let call = 0; call < calls; call++) window.record(fails(call), false);
    const { calls: held, failures } = window.totals();
    // Asking for the totals is a millisecond more for a time window.
    if (Math.abs(held - Math.min(size, calls)) > 1 || Math.abs(failures - held / 4) > 1)
      throw new Error(`${name} holds ${failures} failures of ${held} calls`);
    return calls;
  });
}

/** Its clock goes a millisecond on with every record, so in each of them a bucket becomes too old. */
function timeWindow(size: number): TimeWindow {
  let now = 0;
  return new TimeWindow(size, size, () => now++);
}

function breaker(size: number, calls: number): Contestant {
  const name = `a lease of a CircuitBreaker, the last ${size} calls`;
  const circuit = new CircuitBreaker({ window: { type: 'count', size, failureRate: 0.5 } });
  return timed(name, () => {
    for (let call = 0; call < calls; call++) {
      const lease = circuit.acquire();
      if (fails(call)) lease.failure(error);
      else lease.success();
    }
    const { failureRate } = circuit.stats;
    if (calls >= size && Math.abs(failureRate! - 0.25) > 0.01) throw new Error(`${name}: ${failureRate}`);
    return calls;
  });
}

function cockatiel(size: number, calls: number): Contestant {
  const name = `cockatiel CountBreaker, ${size}`;
  const counter = new CountBreaker({ threshold: 0.5, size });
  return timed(name, () => {
    let opened = 0;
    for (let call = 0; call < calls; call++) {
      if (!fails(call)) counter.success(Cockatiel.Closed);
      else if (counter.failure(Cockatiel.Closed)) opened++;
    }
    if (opened > 0) throw new Error(`${name} has opened`);
    return calls;
  });
}

export const tables = [
  table({
    title: 'The record of an outcome',
    about:
      'One call in four fails. The clock of the time window goes on with each record, so that each has something to forget.',
    unit: 'ns',
    contestants(short) {
      const calls = short ? 20_000 : 1_000_000;
      return {
        count2: window('count window, 100', 100, new CountWindow(100), calls),
        count4: window('count window, 10 000', 10_000, new CountWindow(10_000), calls),
        time2: window('time window, 100 buckets', 100, timeWindow(100), calls),
        time4: window('time window, 10 000 buckets', 10_000, timeWindow(10_000), calls),
        breaker2: breaker(100, calls),
        breaker4: breaker(10_000, calls),
        cockatiel2: cockatiel(100, calls),
        cockatiel4: cockatiel(10_000, calls),
      };
    },
    comparisons: {
      'window.countGrowth': { of: 'count4', to: 'count2', atMost: 1.25 },
      'window.timeGrowth': { of: 'time4', to: 'time2', atMost: 1.25 },
      'window.breakerGrowth': { of: 'breaker4', to: 'breaker2', atMost: 1.25 },
      'window.vsCockatiel': { of: 'count4', to: 'cockatiel4' },
    },
  }),
];
