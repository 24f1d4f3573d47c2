/**
 * Whether a model goes on with a partial answer that ends the request. Anthropic's models up to 4.5 do, those from 4.6 on
 * refuse it; of one whose name says no version nothing is known.
 */
export function takesPrefill(model: string): boolean {
  const version = /claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?/.exec(model);
  if (version === null) return false;
  const [, major = '', minor = '0'] = version;
  return Number(major) < 4 || (Number(major) === 4 && Number(minor) <= 5);
}
