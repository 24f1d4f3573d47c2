export type { ChatLetters } from './chat-letters.ts';
export { type EventRecording, type ExpectedEvent, expectEvents, recordEvents } from './events.ts';
export { type FaultScheduleConfig, faultSchedule } from './fault-schedule.ts';
export { flaky, type ScriptOptions } from './flaky.ts';
export type { SubscriptionFrames } from './lane.ts';
export { expectNoLeaks, type Leakable } from './leaks.ts';
export { MarbleError } from './marble-error.ts';
export type {
  ChatExpectation,
  MarbleHelpers,
  StreamExpectation,
  Subscribable,
  SubscriptionExpectation,
} from './marble-helpers.ts';
export type { RunOptions } from './marble-run.ts';
export type { Values } from './marbles.ts';
export { type MarbleMatchers, type MatcherResult, marbleMatchers } from './matchers.ts';
export { seededRandom } from './random.ts';
export { type DrawnLanes, renderMarbles } from './render-marbles.ts';
export { runMarbles } from './run-marbles.ts';
export { ScriptedProvider, type ScriptedProviderOptions, scriptedProvider } from './scripted-provider.ts';
export { ScriptedSource } from './scripted-source.ts';
