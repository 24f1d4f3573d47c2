import type { Environment } from '../real-service.ts';
import { LiveScreen } from './live.ts';
import { coloured, plain } from './paint.ts';
import { PlainScreen } from './plain.ts';
import type { Output, Screen, Title } from './screen.ts';

/** Below this, two lanes are too narrow to be read. */
const COLUMNS_FOR_LANES = 90;
const ROWS_FOR_LANES = 20;

/** Two lanes where the terminal has room for them, else lines; colours where they can be seen and are wanted. */
export function screenOn(out: Output, env: Environment, title: Title): Screen {
  const terminal = out.isTTY === true && env.TERM !== 'dumb';
  const paint = terminal && !env.NO_COLOR ? coloured : plain;
  const { columns = 0, rows = 0 } = out;
  return terminal && columns >= COLUMNS_FOR_LANES && rows >= ROWS_FOR_LANES
    ? new LiveScreen(out, paint, title)
    : new PlainScreen(out, paint, title);
}
