/** Measures one subject and tells it to the process that has asked for it. */
import { measuredHere } from './run.ts';

// Whoever has asked may be interrupted.
process.once('disconnect', () => process.exit());

const [subject = '', rounds = ''] = process.argv.slice(2);
process.send?.(await measuredHere(subject, Number(rounds), false), () => process.exit());
