/**
 * The looks of a picture, for light and dark surroundings. The style stands inside of every picture, so that it looks the
 * same in a README, in a page and in a file viewer.
 */
export const light = {
  paper: '#ffffff',
  edge: '#d8dee8',
  ink: '#1f2937',
  muted: '#5b6779',
  line: '#536179',
  grid: '#eef1f6',
  box: '#f3f5fa',
  error: '#c81e2b',
  text: '#b1440e',
  number: '#1d4ed8',
  marble: '#ffffff',
  well: ['#d8f3e5', '#0b5d3b'],
  ill: ['#fddfe0', '#96141f'],
  unsure: ['#fdeecb', '#744a00'],
  count: ['#dce8ff', '#1d46b8'],
  none: ['#eef1f6', '#5b6779'],
  marbles: ['#2563eb', '#0f766e', '#7c3aed', '#b45309', '#be185d', '#4d7c0f'],
} as const;

export const dark: {
  readonly [Key in keyof typeof light]: (typeof light)[Key] extends string ? string : readonly string[];
} = {
  paper: '#0f141d',
  edge: '#2c3546',
  ink: '#e6ebf4',
  muted: '#98a5ba',
  line: '#a3b0c5',
  grid: '#1b2230',
  box: '#171e2b',
  error: '#ff8087',
  text: '#ffb48a',
  number: '#9dbdff',
  marble: '#0b101a',
  well: ['#123c2b', '#8ff0c0'],
  ill: ['#4a1b21', '#ffb6ba'],
  unsure: ['#46350f', '#ffdc88'],
  count: ['#1b3263', '#b0ccff'],
  none: ['#1b2230', '#98a5ba'],
  marbles: ['#7fabff', '#5ad6c4', '#b99bff', '#f5b15c', '#ff8fbd', '#b2d96b'],
};

export const MARBLE_COLOURS = light.marbles.length;

const colours = (look: typeof dark): string =>
  [
    `.paper,.gap{fill:${look.paper}}.paper{stroke:${look.edge}}.box{fill:${look.box};stroke:${look.edge}}`,
    `.grid{stroke:${look.grid}}.line{stroke:${look.line}}.tip,.birth{fill:${look.line}}`,
    `.stop{stroke:${look.line};fill:${look.paper}}.cross{stroke:${look.error}}.failure{fill:${look.error}}`,
    `text{fill:${look.ink}}.muted{fill:${look.muted}}.literal{fill:${look.text}}.number{fill:${look.number}}`,
    `.together{fill:${look.grid};stroke:${look.edge}}.letter{fill:${look.marble}}`,
    ...(['well', 'ill', 'unsure', 'count', 'none'] as const).map(
      (mood) => `.${mood}{fill:${look[mood][0]};stroke:${look[mood][1]}}.${mood}-text{fill:${look[mood][1]}}`,
    ),
    `.level{fill:${look.count[0]}}.level-line{stroke:${look.count[1]}}`,
    ...look.marbles.map((colour, index) => `.marble-${index}{fill:${colour}}`),
  ].join('');

export const STYLE: string = [
  'text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}',
  '.code{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}',
  '.name{font-weight:600;text-anchor:end}.letter{font-weight:700;text-anchor:middle}.small{font-size:11px}',
  '.middle{text-anchor:middle}.line{stroke-width:1.8;fill:none}.waits{stroke-dasharray:1.5 4.5;stroke-linecap:round}',
  '.end{stroke-width:3;stroke-linecap:round}.cross{stroke-width:3.2;stroke-linecap:round}.stop{stroke-width:1.8}',
  '.level-line{stroke-width:1.8;fill:none;stroke-linejoin:round}.letter.small{font-size:10px}',
  '.well,.ill,.unsure,.count,.none{stroke-opacity:.45}.state-text{font-weight:600}',
  colours(light),
  `@media(prefers-color-scheme:dark){${colours(dark)}}`,
].join('');
