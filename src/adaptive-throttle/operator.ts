import { admission } from '../core/admission.ts';
import { labelled } from '../core/label.ts';
import type { TransparentOperator } from '../core/operator-types.ts';
import { AdaptiveThrottle, type AdaptiveThrottleConfig } from './adaptive-throttle.ts';

/**
 * Turns subscriptions away with a probability that follows how many the other side accepts.
 *
 * *adaptiveThrottle: The more it refuses, the more is turned away here*
 * ```text
 * adaptiveThrottle({ random: () => 0.5 })
 *
 * attempt 1   -#       status 429
 * attempt 2     -#     status 429
 * consumer 1  -#       status 429
 * consumer 2    -#     status 429
 * consumer 3       #   ThrottledError
 * turned away zh-s-v   z 0, h 50, s 67, v 75
 * ```
 * @see {@link AdaptiveThrottle}
 */
export function adaptiveThrottle(
  throttle: AdaptiveThrottle | AdaptiveThrottleConfig = {},
): TransparentOperator {
  const policy = throttle instanceof AdaptiveThrottle ? throttle : new AdaptiveThrottle(throttle);
  return labelled('adaptiveThrottle', policy.name, admission(policy));
}
