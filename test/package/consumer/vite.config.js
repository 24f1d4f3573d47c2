/** A browser's build of one module with all that it needs; class names do not survive it. */
export default {
  build: { lib: { entry: 'insights.js', formats: ['es'] }, minify: true, target: 'es2022', outDir: 'bundle' },
  test: { include: ['insights.test.js'], globals: true },
  logLevel: 'warn',
};
