/**
 * How a policy of IAM differs from the one that is wanted, a line for each statement. What makes no difference to IAM makes
 * none here: order, the names of statements, a list of one instead of the one.
 */
export function comparePolicies(found: unknown, wanted: unknown): string[] {
  const has = listStatements(found);
  const needs = listStatements(wanted);
  return [
    ...needs.filter((one) => !has.includes(one)).map((one) => `it lacks ${one}`),
    ...has.filter((one) => !needs.includes(one)).map((one) => `it also says ${one}`),
  ];
}

/** Each as JSON in one form. */
function listStatements(policy: unknown): string[] {
  const { Statement: statements } = (policy ?? {}) as { readonly Statement?: unknown };
  return [statements ?? []].flat().map((statement) => {
    const { Sid: _, ...rest } = statement as { readonly Sid?: unknown };
    return JSON.stringify(toOneForm(rest));
  });
}

function toOneForm(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(toOneForm).toSorted();
    return items.length === 1 ? items[0] : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, toOneForm(item)] as const);
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
