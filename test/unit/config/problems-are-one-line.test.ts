import t from 'tap';
import { formatPath, formatProblem } from '../../../src/config/problem.ts';

const problem = { file: 'mesh.yaml', line: 12, key: 'mtls', message: 'unknown key', severity: 'error' } as const;

t.test('file, line, key, message and hint', async (t) => {
  t.equal(formatProblem(problem), 'mesh.yaml:12: mtls: unknown key');
  t.equal(
    formatProblem({ ...problem, hint: 'did you mean "x"?' }),
    'mesh.yaml:12: mtls: unknown key; did you mean "x"?',
  );
  t.equal(formatProblem({ ...problem, severity: 'warning' }), 'mesh.yaml:12: warning: mtls: unknown key');
  t.equal(formatProblem({ ...problem, key: '' }), 'mesh.yaml:12: unknown key');
  t.equal(formatProblem({ ...problem, line: 0, key: '' }), 'mesh.yaml: unknown key');
});

t.test('paths', async (t) => {
  t.equal(formatPath(['mtls', 'backends', 0, 'name']), 'mtls.backends[0].name');
  t.equal(formatPath(['tags', 'kuma.io/service']), 'tags["kuma.io/service"]');
  t.equal(formatPath([]), '');
});
