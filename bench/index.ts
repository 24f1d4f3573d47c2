import { bridge } from './bridge.ts';
import { events } from './events.ts';
import { type Contestant, compete, type Ratio, ratio, type Timing } from './measure.ts';
import { perCall } from './per-call.ts';
import { perToken } from './per-token.ts';
import { queue } from './queue.ts';

const HELP = `npm run bench [-- --json] [-- --rounds N]

Measures this library against its peers, both sides in one run on this machine.
  --json      print one object with the ratios and nothing else
  --rounds N  counted rounds of every contestant (default 7)`;

const options = process.argv.slice(2);
if (options.includes('--help')) {
  console.log(HELP);
  process.exit(0);
}
const json = options.includes('--json');
const rounds = options.includes('--rounds') ? Number(options[options.indexOf('--rounds') + 1]) : 7;
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number of at least 1');

const ratios: Record<string, Ratio> = {};

async function measure<Name extends string>(
  title: string,
  contestants: Record<Name, Contestant>,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(contestants) as Name[];
  const timings = await compete(
    names.map((name) => contestants[name]),
    rounds,
  );
  if (!json) {
    console.log(`\n${title}, nanoseconds (median of ${rounds} rounds)`);
    for (const { name, median } of timings) console.log(`  ${median.toFixed(1).padStart(9)}  ${name}`);
  }
  return Object.fromEntries(names.map((name, index) => [name, timings[index]])) as Record<Name, Timing>;
}

function report(key: string, ours: Timing, theirs: Timing): void {
  const compared = ratio(ours, theirs);
  ratios[key] = compared;
  if (json) return;
  const [median, lowest, highest] = [compared.median, compared.lowest, compared.highest].map((it) =>
    it.toFixed(2),
  );
  console.log(`  ${key} = ${median} (${lowest} to ${highest})  ${ours.name} / ${theirs.name}`);
}

const token = await measure('Per token, synchronous stream of 1e6', perToken);
report('perToken.vsMap6', token.ours, token.map6);
report('perToken.vsBuiltins', token.ours, token.builtins);

const watched = await measure('Per token, a chat of 1e6', bridge);
report('perToken.bridgeOnVsOff', watched.on, watched.off);

const call = await measure('Per call, a resolved promise to a promise', perCall);
report('perCall.vsCockatiel', call.ours, call.cockatiel);
report('perCall.vsBuiltins', call.ours, call.builtins);

const event = await measure('Per event', events);
report('event.vsSubject', event.silent, event.subject);

const line = await measure('Per queue operation, half of the waiters cancelled at random', queue);
report('queue.growth', line.long, line.short);

if (json) {
  const rounded = Object.entries(ratios).map(([key, { median }]) => [key, Number(median.toFixed(3))]);
  console.log(JSON.stringify(Object.fromEntries(rounded)));
}
