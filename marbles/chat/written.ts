const CALL = /^call\((\{[\s\S]*?\})?(?:, )?(\{[^{}]*\})?\)$/;

/** The shorthand `call(config, options)` of this chapter, as a user writes it. */
export function written(code: string): string {
  const [whole, config = '{}', options] = CALL.exec(code) ?? [];
  if (whole === undefined) return code;
  const full = config
    .replace(/^\{(\s*)/, (_, space: string) => `{${space || ' '}provider: main,${space || ' '}`)
    .replace(', }', ' }')
    .replace('spare: true', 'fallbackProvider: spare');
  return `new ResilientProvider(${full})\n  .stream(messages${options === undefined ? '' : `, ${options}`})`;
}
