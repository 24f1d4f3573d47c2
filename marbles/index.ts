import { bulkheadChapter } from './bulkhead/diagrams.ts';
import type { Chapter } from './diagram.ts';

/** The book: one chapter an operator. */
export const chapters: readonly Chapter[] = [bulkheadChapter];
