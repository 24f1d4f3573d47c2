import { readFileSync } from 'node:fs';

/** The first example of the README that imports the operator. What it prints is proven by the tests of the README. */
export function exampleOf(operator: string): string {
  const examples = [...readFileSync('README.md', 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
    ([, code = '']) => code,
  );
  const example = examples.find((code) => {
    const imported = /import \{([^}]*)\} from 'rxjs-resilience'/.exec(code)?.[1] ?? '';
    return imported.split(',').some((name) => name.trim() === operator);
  });
  if (example === undefined) throw new Error(`The README has no example that imports ${operator}.`);
  return example;
}
