import type { Table } from './table.ts';

const load = async (module: Promise<{ tables: readonly Table[] }>) => (await module).tables;

/** What is measured, in the order of the page. */
export const subjects: Readonly<Record<string, () => Promise<readonly Table[]>>> = {
  token: () => load(import('./subjects/token.ts')),
  'async-token': () => load(import('./subjects/async-token.ts')),
  chat: () => load(import('./subjects/chat.ts')),
  decode: () => load(import('./subjects/decode.ts')),
  call: () => load(import('./subjects/call.ts')),
  rejection: () => load(import('./subjects/rejection.ts')),
  hedge: () => load(import('./subjects/hedge.ts')),
  queue: () => load(import('./subjects/queue.ts')),
  window: () => load(import('./subjects/window.ts')),
  events: () => load(import('./subjects/events.ts')),
  memory: () => load(import('./subjects/memory.ts')),
  http: () => load(import('./subjects/http.ts')),
};
