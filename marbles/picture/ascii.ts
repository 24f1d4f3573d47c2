import type { Lane, Mark } from '../../src/testing/lane.ts';
import { Letters } from '../../src/testing/letters.ts';
import { drawLanes } from '../../src/testing/render-lanes.ts';
import { isCancelled, type Recording, type Track } from '../recording.ts';
import { errorWords, meaningsOf } from './words.ts';

const MARGIN = 12;

/** What happened, as marbles beneath each other: attempts, consumers, lanes. `!` is an unsubscription. */
export function ascii({ attempts, consumers, lanes, values }: Recording): string {
  const letters = new Letters(values);
  const tracks = [...attempts.filter(({ from }) => Number.isFinite(from)), ...consumers, ...lanes];
  const drawing = drawLanes(
    tracks.map((track) => laneOf(track, track.kind === 'lane' ? new Letters(track.values) : letters)),
    new Letters(),
  );
  const widest = Math.max(...drawing.marbles.map((marbles) => marbles.length));
  const margin = Math.max(MARGIN, ...tracks.map(({ name }) => name.length + 1));
  return tracks
    .map((track, index) => {
      const marbles = drawing.marbles[index] ?? '';
      const remark = remarkOf(track);
      return `${track.name.padEnd(margin)}${remark === '' ? marbles : `${marbles.padEnd(widest)}   ${remark}`}`;
    })
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Letters of a lane of its own may mean something else than those of the stream: so they are written before they meet. */
function laneOf(track: Track, letters: Letters): Lane {
  const marks: Mark[] = track.messages.map((message) =>
    message.kind === 'next' ? { ...message, value: letters.of(message.value) } : message,
  );
  if (track.kind === 'lane') return { name: track.name, marks };
  if (isCancelled(track)) marks.push({ frame: track.until, kind: 'unsubscribe' });
  return { name: track.name, marks, from: track.from };
}

function remarkOf(track: Track): string {
  if (track.kind === 'lane')
    return meaningsOf(track.messages, track.values)
      .map((meaning) => meaning.join(' '))
      .join(', ');
  const failure = track.messages.find((message) => message.kind === 'error');
  return failure === undefined ? '' : errorWords(failure.error);
}
