/**
 * The serial numbers of the certificates that an Envoy has loaded, from the JSON of its admin's `/certs`
 * (envoy.admin.v3.Certificates): the leaf of each `cert_chain`. Whatever has another shape holds none.
 */
export function readServedSerialNumbers(certs: unknown): string[] {
  return listOf(certs, 'certificates')
    .map((entry) => listOf(entry, 'cert_chain')[0])
    .map((leaf) => read(leaf, 'serial_number'))
    .filter((serialNumber) => typeof serialNumber === 'string');
}

function listOf(value: unknown, key: string): unknown[] {
  const found = read(value, key);
  return Array.isArray(found) ? found : [];
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
