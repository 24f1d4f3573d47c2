/** A config, and beneath it what it inherits. An option that is `undefined` says nothing, so it takes nothing away. */
export function inherit<Config extends object, Inherited extends object>(
  config: Config,
  inherited: Inherited,
): Inherited & Config {
  const said = Object.entries(config).filter(([, value]) => value !== undefined);
  return { ...inherited, ...(Object.fromEntries(said) as Config) };
}
