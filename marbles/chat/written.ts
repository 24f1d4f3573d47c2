/** The shorthand `call(config, options)` of this chapter, as a user writes it. */
export function written(code: string): string {
  if (!/^call\([\s\S]*\)$/.test(code)) return code;
  const [config = '{}', options] = argumentsIn(code.slice('call('.length, -1));
  const full = config
    .replace(/^\{(\s*)/, (_, space: string) => `{${space || ' '}provider: main,${space || ' '}`)
    .replace(', }', ' }')
    .replace('spare: true', 'fallbackProvider: spare');
  return `new ResilientProvider(${full})\n  .stream(messages${options === undefined ? '' : `, ${options}`})`;
}

/** What stands between the commas that are inside of nothing else. */
function argumentsIn(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => flushLeft(part.trim())).filter((part) => part !== '');
}

/** An argument on lines of its own stands as far to the left as the call. */
const flushLeft = (part: string): string => (/\n {2}\}$/.test(part) ? part.replaceAll('\n  ', '\n') : part);
