import type { Test } from 'tap';

/**
 * Sets variables of this process for as long as a test lives, and takes away every other one that begins with `prefix`: for
 * libraries that read the environment by themselves.
 */
export function useEnvironment(
  t: Pick<Test, 'teardown'>,
  prefix: string,
  variables: Readonly<Record<string, string>>,
): void {
  const before = { ...process.env };
  for (const name of Object.keys(before)) if (name.startsWith(prefix)) delete process.env[name];
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  });
}
