/** From frames to bytes, and from bytes to writes. */
import type { Dialect, Frame } from './dialect.ts';
import type { Fault } from './fault.ts';

/** A frame with its line ends, as a server-sent event or as a line of NDJSON. */
export function encode(frame: Frame, framing: Dialect['framing'], fault: Fault): string {
  const { lineEnd = '\n', multiLineData = false } = fault;
  if ('comment' in frame) return `: ${frame.comment}${lineEnd}${lineEnd}`;
  const { event, data } = frame;
  if (framing === 'ndjson') return data + lineEnd;
  // JSON allows a line break after its first brace, whatever follows.
  const lines = multiLineData && data.startsWith('{') ? ['{', data.slice(1)] : [data];
  return [
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...lines.map((line) => `data: ${line}`),
    '',
    '',
  ].join(lineEnd);
}

const isContinuationByte = (byte: number | undefined): boolean =>
  byte !== undefined && (byte & 0xc0) === 0x80;

/** Tears the bytes of a frame as the fault asks. */
export function pieces(text: string, writes: Fault['writes']): Uint8Array[] {
  const bytes = Buffer.from(text);
  const tornBefore = (index: number): boolean => {
    if (writes === 'bytes') return true;
    if (writes === 'halves') return index === bytes.length >> 1;
    return writes === 'code-points' && isContinuationByte(bytes[index]);
  };
  const result: Uint8Array[] = [];
  let start = 0;
  for (let index = 1; index <= bytes.length; index++) {
    if (index < bytes.length && !tornBefore(index)) continue;
    result.push(bytes.subarray(start, index));
    start = index;
  }
  return result;
}
