import { getEventListeners } from 'node:events';
import { config } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { Bulkhead } from '../../src/bulkhead/index.ts';
import { type AdmissionPolicy, type Applicant, acquire, Lease, type Outcome } from '../../src/core/lease.ts';

class RecordingLease extends Lease {
  readonly settlements: [Outcome, unknown][] = [];
  refusal: Error | undefined;
  onSettle = (): void => {};

  override start(): Error | undefined {
    return this.refusal;
  }

  get isOver(): boolean {
    return this.settled;
  }

  protected override onSettled(outcome: Outcome, error?: unknown): void {
    this.settlements.push([outcome, error]);
    this.onSettle();
  }
}

const boom = new Error('boom');

describe('a lease', () => {
  test.each<[string, (lease: Lease) => void, Outcome, unknown]>([
    ['success', (lease) => lease.success(), 'success', undefined],
    ['failure', (lease) => lease.failure(boom), 'failure', boom],
    ['failure without an error', (lease) => lease.failure(undefined), 'failure', undefined],
    ['neutral', (lease) => lease.neutral(), 'neutral', undefined],
    ['the end of its scope', (lease) => lease[Symbol.dispose](), 'neutral', undefined],
  ])('is settled by %s, and nothing after it counts', (_, settle, outcome, error) => {
    const lease = new RecordingLease();
    expect(lease.isOver).toBe(false);
    settle(lease);
    expect(lease.isOver).toBe(true);
    lease.success();
    lease.failure(boom);
    lease.neutral();
    lease[Symbol.dispose]();
    expect(lease.settlements).toStrictEqual([[outcome, error]]);
  });

  test('that is settled again while it is being settled is settled once', () => {
    const lease = new RecordingLease();
    lease.onSettle = () => lease.failure(boom);
    lease.success();
    expect(lease.settlements).toStrictEqual([['success', undefined]]);
  });

  test('whose policy throws at its settlement is settled all the same', () => {
    const lease = new RecordingLease();
    lease.onSettle = () => {
      throw boom;
    };
    expect(() => lease.failure(boom)).toThrow(boom);
    lease.success();
    expect(lease.settlements).toStrictEqual([['failure', boom]]);
  });

  test('in using is neutral on every path that does not settle it', () => {
    const abandoned = new RecordingLease();
    const work = (lease: Lease, fails: boolean): void => {
      using held = lease;
      if (fails) throw boom;
      held.success();
    };
    expect(() => work(abandoned, true)).toThrow(boom);
    expect(abandoned.settlements).toStrictEqual([['neutral', undefined]]);
    const done = new RecordingLease();
    work(done, false);
    expect(done.settlements).toStrictEqual([['success', undefined]]);
  });
});

describe('acquire()', () => {
  test.each<[string, object]>([
    ['unknown option "prioritty"', { prioritty: 1 }],
    ['unknown option "tokens"', { tokens: 1 }],
    ['option "priority" must be a finite number', { priority: Number.NaN }],
    ['option "patience" must be a duration', { patience: -1 }],
    ['option "signal" must be an AbortSignal', { signal: {} }],
    ['config must be an object', 5 as never],
  ])('refuses what it does not know: %s', async (reason, options) => {
    const policy = new Bulkhead({ maxConcurrent: 1 });
    await expect(policy.acquire(options)).rejects.toThrow(`acquire: ${reason}`);
    expect(policy.activeCount).toBe(0);
  });

  /** A policy that answers as told, and keeps the last applicant. */
  function policyOf(
    answer: ReturnType<AdmissionPolicy['admit']> | 'wait',
    during: (applicant: Applicant) => void = () => {},
  ) {
    const leave = vi.fn();
    const policy = {
      leave,
      applicant: undefined as Applicant | undefined,
      admit(applicant: Applicant) {
        policy.applicant = applicant;
        during(applicant);
        return answer === 'wait' ? { leave } : answer;
      },
    };
    return policy;
  }

  test('gives the lease that is there at once', async () => {
    const lease = new RecordingLease();
    const { signal } = new AbortController();
    expect(await acquire(policyOf(lease), signal)).toBe(lease);
    expect(lease.settlements).toStrictEqual([]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('rejects with what refuses', async () => {
    const { signal } = new AbortController();
    await expect(acquire(policyOf(boom), signal)).rejects.toBe(boom);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('waits, until the place is granted', async () => {
    const policy = policyOf('wait');
    const lease = new RecordingLease();
    const { signal } = new AbortController();
    const acquired = acquire(policy, signal);
    policy.applicant?.granted(lease);
    expect(await acquired).toBe(lease);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(policy.leave).not.toHaveBeenCalled();
  });

  test('waits without a signal just as well', async () => {
    const policy = policyOf('wait');
    const lease = new RecordingLease();
    const acquired = acquire(policy);
    policy.applicant?.granted(lease);
    expect(await acquired).toBe(lease);
  });

  test('waits, until the place is refused', async () => {
    const policy = policyOf('wait');
    const { signal } = new AbortController();
    const acquired = acquire(policy, signal);
    policy.applicant?.refused(() => boom);
    await expect(acquired).rejects.toBe(boom);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('a lease that may not start any more is given back', async () => {
    const lease = new RecordingLease();
    lease.refusal = boom;
    await expect(acquire(policyOf(lease))).rejects.toBe(boom);
    expect(lease.settlements).toStrictEqual([['neutral', undefined]]);
  });

  test('an abort leaves the line', async () => {
    const policy = policyOf('wait');
    const controller = new AbortController();
    const acquired = acquire(policy, controller.signal);
    controller.abort(boom);
    await expect(acquired).rejects.toBe(boom);
    expect(policy.leave).toHaveBeenCalledTimes(1);
  });

  test('with a signal that is aborted already nobody is asked', async () => {
    const policy = policyOf('wait');
    await expect(acquire(policy, AbortSignal.abort(boom))).rejects.toBe(boom);
    expect(policy.applicant).toBeUndefined();
  });

  test('an abort after the end changes nothing', async () => {
    const lease = new RecordingLease();
    const controller = new AbortController();
    const acquired = await acquire(policyOf(lease), controller.signal);
    controller.abort(boom);
    expect(acquired).toBe(lease);
    expect(lease.settlements).toStrictEqual([]);
  });

  describe('while the policy still announces its decision', () => {
    test('a place that is granted is a lease, and leaves no listener', async () => {
      const lease = new RecordingLease();
      const { signal } = new AbortController();
      const policy = policyOf('wait', (applicant) => applicant.granted(lease));
      expect(await acquire(policy, signal)).toBe(lease);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });

    test('an abort gives back the lease', async () => {
      const lease = new RecordingLease();
      const controller = new AbortController();
      await expect(
        acquire(
          policyOf(lease, () => controller.abort(boom)),
          controller.signal,
        ),
      ).rejects.toBe(boom);
      expect(lease.settlements).toStrictEqual([['neutral', undefined]]);
    });

    test('an abort leaves the line', async () => {
      const reported = vi.fn();
      config.onUnhandledError = reported;
      const controller = new AbortController();
      const policy = policyOf('wait', () => controller.abort(boom));
      await expect(acquire(policy, controller.signal)).rejects.toBe(boom);
      config.onUnhandledError = null;
      expect(policy.leave).toHaveBeenCalled();
      expect(reported).not.toHaveBeenCalled();
    });
  });

  test('all who wait with one signal cost it one listener', async () => {
    const controller = new AbortController();
    const policy = policyOf('wait');
    const acquired = Promise.allSettled([1, 2, 3].map(() => acquire(policy, controller.signal)));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort(boom);
    const rejected = { status: 'rejected', reason: boom };
    expect(await acquired).toStrictEqual([rejected, rejected, rejected]);
    expect(policy.leave).toHaveBeenCalledTimes(3);
  });

  test('an abort whose other listener frees the place gives it back again', async () => {
    const controller = new AbortController();
    const lease = new RecordingLease();
    const policy = policyOf('wait');
    controller.signal.addEventListener('abort', () => policy.applicant?.granted(lease));
    const acquired = acquire(policy, controller.signal);
    controller.abort(boom);
    await expect(acquired).rejects.toBe(boom);
    expect(lease.settlements).toStrictEqual([['neutral', undefined]]);
  });
});
