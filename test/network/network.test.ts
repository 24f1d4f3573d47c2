/**
 * Calls over a real link that loses packets, resets connections, is unplugged, or has a stopped process at its other end.
 * The networks at both ends are made for this test, and are gone with its processes, however those end.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import type { Outcome, Scene, TroubleName } from './outcome.ts';

const TROUBLES: readonly TroubleName[] = [
  'the answers are dropped',
  'everything is dropped',
  'the connections are reset',
  'the cable is pulled',
  'the provider is stopped',
];
const whole = { end: 'answer', text: 'whole' } as const;
const lost = { end: 'interrupted', text: 'a true beginning', marks: [], requests: 1 } as const;

const cases: readonly (readonly [title: string, scene: Scene, outcome: Omit<Outcome, 'adapter'>])[] = [
  ...TROUBLES.flatMap((trouble) => {
    const scene = { trouble, during: 'content' } as const;
    const kind = trouble === 'the connections are reset' ? 'truncated' : 'timeout';
    return [
      [`${trouble}: the caller keeps a true beginning`, { ...scene, recovery: 'fail' }, { ...lost, kind }],
      [
        `${trouble}: the answer begins anew`,
        { ...scene, recovery: 'restart' },
        { ...whole, marks: ['retract'], requests: 2 },
      ],
      [
        `${trouble}: the answer goes on`,
        { ...scene, recovery: 'continue' },
        { ...whole, marks: ['resume'], requests: 2 },
      ],
      [`${trouble}: whoever leaves lets go`, { ...scene, leave: true }, { ...lost, end: 'left' }],
    ] as const;
  }),
  ...TROUBLES.map((trouble) => {
    const title = `${trouble} before anybody is connected: the next attempt is answered`;
    return [
      title,
      { trouble, during: 'connecting' },
      { ...whole, marks: [], requests: expect.any(Number) },
    ] as const;
  }),
  ...TROUBLES.map((trouble) => {
    const title = `${trouble} for good: another provider goes on`;
    const scene = { trouble, during: 'content', recovery: 'continue', stays: true } as const;
    return [title, scene, { ...whole, marks: ['resume', 'switch'], requests: expect.any(Number) }] as const;
  }),
];

const OWN_NETWORK = ['--net', 'setpriv', '--pdeathsig', 'KILL'];
const TRIAL = [
  'nsenter --version',
  'ip link add wire type veth peer name other',
  'iptables -A INPUT -p tcp -j REJECT --reject-with tcp-reset',
].join(' && ');
const trial = spawnSync('unshare', [...OWN_NETWORK, 'sh', '-c', TRIAL]);
const missing = trial.status === 0 ? '' : ' (skipped: needs Linux, root, iproute2 and iptables, see .ci/run)';

describe.skipIf(missing !== '')(`a link that fails${missing}`, () => {
  const scenes = JSON.stringify(cases.map(([, scene]) => scene));
  const caller = spawn(
    'unshare',
    [...OWN_NETWORK, process.execPath, '--import', 'tsx', 'test/network/caller.ts', scenes],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines = createInterface(caller.stdout)[Symbol.asyncIterator]();
  const printed: string[] = [];
  afterAll(() => void caller.kill('SIGKILL'));

  test.each(cases.map(([title, , expected], index) => [title, expected, index] as const))(
    '%s',
    { timeout: 300_000 },
    async (_title, expected, index) => {
      while (printed.length <= index)
        printed.push(((await lines.next()).value as string | undefined) ?? '[]');
      const outcomes = JSON.parse(printed[index] ?? '[]') as Outcome[];
      expect(outcomes.length).toBeGreaterThan(3);
      for (const outcome of outcomes)
        expect(outcome).toStrictEqual({ adapter: outcome.adapter, ...expected });
    },
  );
});
