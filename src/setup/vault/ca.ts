import { AgentError } from '../../errors.ts';
import { asRecord, asString } from '../../issuer/vault/json.ts';
import { quoteForShell } from '../../issuer/vault/shell.ts';
import type { Found } from '../step.ts';
import { type Step, unlessReadable } from './step.ts';
import type { VaultAdmin } from './vault-admin.ts';

/** Where the CA of the mesh comes from. */
export type CaOrigin =
  /** Made inside of Vault. */
  | { readonly kind: 'root' }
  /** An intermediate, signed by the CA of another PKI engine of the same Vault. */
  | { readonly kind: 'signed here'; readonly rootMount: string }
  /** An intermediate, signed by somebody outside. */
  | { readonly kind: 'signed elsewhere' };

export interface Ca {
  readonly mount: string;
  readonly mesh: string;
  readonly trustDomain: string;
  readonly ttlSeconds: number;
}

const KEY = { key_type: 'ec', key_bits: 256 } as const;
const KEY_WORDS = 'key_type=ec key_bits=256';

/** The CA whose private key never leaves Vault. One that is there stays, whatever it is. */
export function caStep(ca: Ca, origin: CaOrigin): Step {
  switch (origin.kind) {
    case 'root':
      return rootStep(ca);
    case 'signed here':
      return signedHereStep(ca, origin.rootMount);
    case 'signed elsewhere':
      return signedElsewhereStep(ca);
    default:
      return origin satisfies never;
  }
}

function rootStep(ca: Ca): Step {
  const { mount, ttlSeconds } = ca;
  const names = makeNames(ca, '');
  return {
    what: `root CA of ${mount}`,
    why: ['The CA of the mesh. Its private key is made inside of Vault and never leaves it.'],
    canChange: false,
    script: () =>
      unlessReadable(
        `${mount}/issuer/default`,
        [
          `vault write ${mount}/root/generate/internal \\`,
          `  common_name=${quoteForShell(names.common_name)} uri_sans=${names.uri_sans} \\`,
          `  ttl=${ttlSeconds / 3600}h ${KEY_WORDS} >/dev/null`,
        ].join('\n'),
      ),
    look: (admin) => lookForIssuer(admin, mount),
    async make(admin) {
      await admin.write(`${mount}/root/generate/internal`, { ...names, ...KEY, ttl: `${ttlSeconds}s` });
      return undefined;
    },
  };
}

function signedHereStep(ca: Ca, rootMount: string): Step {
  const { mount, ttlSeconds } = ca;
  const names = makeNames(ca, ' intermediate');
  const name = quoteForShell(names.common_name);
  return {
    what: `intermediate CA of ${mount}, signed by ${rootMount}`,
    why: [
      'The CA of the mesh. Its private key is made inside of Vault and never leaves it.',
      'The certificate of the root goes with it, so that peers are given the root to trust.',
    ],
    canChange: false,
    script: () =>
      unlessReadable(
        `${mount}/issuer/default`,
        [
          '{',
          `  csr=$(vault write -field=csr ${mount}/intermediate/generate/internal \\`,
          `    common_name=${name} uri_sans=${names.uri_sans} ${KEY_WORDS})`,
          `  chain=$(vault write -field=certificate ${rootMount}/root/sign-intermediate csr="$csr" \\`,
          `    common_name=${name} uri_sans=${names.uri_sans} ttl=${ttlSeconds / 3600}h format=pem_bundle)`,
          `  vault write ${mount}/intermediate/set-signed certificate="$chain" >/dev/null`,
          '}',
        ].join('\n'),
      ),
    look: (admin) => lookForIssuer(admin, mount),
    async make(admin) {
      if ((await lookForIssuer(admin, rootMount)).state === 'absent') {
        throw new AgentError('ERR_CONFIG', `there is no PKI engine with a CA at ${rootMount}`, {
          remedy: 'set --root-mount to one of: vault secrets list',
        });
      }
      const csr = await makeRequest(admin, mount, names);
      const signed = await admin.write(`${rootMount}/root/sign-intermediate`, {
        ...names,
        csr,
        ttl: `${ttlSeconds}s`,
        format: 'pem_bundle',
      });
      await admin.write(`${mount}/intermediate/set-signed`, { certificate: signed.certificate });
      return undefined;
    },
  };
}

function signedElsewhereStep(ca: Ca): Step {
  const { mount } = ca;
  const names = makeNames(ca, ' intermediate');
  const finish = `vault write ${mount}/intermediate/set-signed certificate=@chain.pem`;
  const forWhat = `have the request signed as a CA; then, with certificate, intermediates and root in chain.pem, run: ${finish}`;
  return {
    what: `intermediate CA of ${mount}, signed elsewhere`,
    why: [
      'The CA of the mesh. Its private key is made inside of Vault and never leaves it.',
      'Have the request signed as a CA; then, with certificate, intermediates and root in chain.pem, run:',
      `  ${finish}`,
    ],
    canChange: false,
    script: () =>
      unlessReadable(
        `${mount}/issuer/default`,
        [
          `vault write -field=csr ${mount}/intermediate/generate/internal \\`,
          `  common_name=${quoteForShell(names.common_name)} uri_sans=${names.uri_sans} ${KEY_WORDS} > ca-request.pem`,
        ].join('\n'),
      ),
    async look(admin) {
      const found = await lookForIssuer(admin, mount);
      if (found.state !== 'absent' || (await findKey(admin, mount)) === undefined) return found;
      return { state: 'waits', forWhat: `${forWhat}\n(--force prints the request again)` };
    },
    async make(admin) {
      return `${await makeRequest(admin, mount, names)}\n${forWhat}`;
    },
  };
}

function makeNames({ mesh, trustDomain }: Ca, suffix: string): { common_name: string; uri_sans: string } {
  // The SPIFFE ID of a CA is its trust domain (X509-SVID, 3.2).
  return { common_name: `${mesh} mesh CA${suffix}`, uri_sans: `spiffe://${trustDomain}` };
}

async function lookForIssuer(admin: VaultAdmin, mount: string): Promise<Found> {
  const found = await admin.read(`${mount}/issuer/default`);
  return found === undefined ? { state: 'absent' } : { state: 'as wanted' };
}

/** A request for the key that is there already, so that one which was sent off stays good; else for a new one. */
async function makeRequest(admin: VaultAdmin, mount: string, names: object): Promise<string> {
  const key = await findKey(admin, mount);
  const how = key === undefined ? { ...KEY } : { key_ref: key };
  const path = `${mount}/intermediate/generate/${key === undefined ? 'internal' : 'existing'}`;
  return asString((await admin.write(path, { ...names, ...how })).csr) ?? '';
}

async function findKey(admin: VaultAdmin, mount: string): Promise<string | undefined> {
  return asString(asRecord(await admin.read(`${mount}/config/keys`)).default);
}
