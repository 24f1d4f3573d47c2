/** `npm run docs`: writes the pages and pictures of `docs/`, those of the simulations and of the developer tools among them, and the pictures of the README and of doc comments; removes what is no longer there. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { simulationsPage } from '../../simulations/page.ts';
import { insightsPage } from '../insights/page.ts';
import { book } from './book.ts';

process.chdir(resolve(import.meta.dirname, '../..'));
const files = new Map([...book(), ...simulationsPage(), ...(await insightsPage())]);
for (const [path, content] of files) {
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path) || readFileSync(path, 'utf8') !== content) writeFileSync(path, content);
}
for (const name of readdirSync('docs', { recursive: true, encoding: 'utf8' })) {
  const path = join('docs', name).replaceAll('\\', '/');
  if (/^docs\/pictures\/.*\.svg$|^docs\/[^/]*\.md$/.test(path) && !files.has(path)) rmSync(path);
}
console.log(`docs/, README.md and doc comments: ${files.size} files`);
