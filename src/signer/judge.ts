/**
 * Who gets which certificate: the one decision that all of the mesh rests on. A pure function.
 *
 * Nothing of a request is ever copied into a certificate but its public key, so that what is refused here could not
 * have harmed; it is refused because whoever asks for it is to know that it will not come.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { type SigningRequestSpec, SVID_USAGES } from '../kubernetes/signing-request.ts';
import type { IdentityTemplate } from './identity-template.ts';
import { type Csr, readCsr, readGeneralNames } from './read-csr.ts';
import { type Requester, readRequester } from './requester.ts';

/** Why a request is denied: the reason of its condition, and a label of metrics. The list is closed. */
export const DENIALS = [
  'NotAServiceAccount',
  'NamespaceNotAllowed',
  'NoPod',
  'UnknownBackend',
  'RequestUnreadable',
  'NotSignedByItsKey',
  'KeyNotAllowed',
  'SubjectNotEmpty',
  'CaAskedFor',
  'ExtensionNotAllowed',
  'NameNotAllowed',
  'SeveralUris',
  'OtherIdentity',
  'UsagesNotAllowed',
] as const;
export type Denial = (typeof DENIALS)[number];

export interface SignerPolicy {
  readonly identities: IdentityTemplate;
  /** Empty: all. */
  readonly allowedNamespaces: readonly string[];
}

export type Verdict =
  | { readonly isGranted: true; readonly requester: Requester; readonly spiffeId: SpiffeId; readonly csr: Csr }
  | { readonly isGranted: false; readonly reason: Denial /** For people, one line. */; readonly message: string };

type Denied = Extract<Verdict, { isGranted: false }>;

const OID_SUBJECT_ALT_NAME = '2.5.29.17';
const OID_BASIC_CONSTRAINTS = '2.5.29.19';
const TAG_URI = 0x86;
const NAME_KINDS: Readonly<Record<number, string>> = {
  129: 'an e-mail address',
  130: 'a DNS name',
  164: 'a directory name',
  135: 'an IP address',
  136: 'a registered identifier',
  160: 'another kind of name',
};
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1'];

/** Grants a request for exactly the identity that the template gives its maker, and for nothing else beside it. */
export function judge(spec: SigningRequestSpec, { identities, allowedNamespaces }: SignerPolicy): Verdict {
  const requester = readRequester(spec);
  if (requester === undefined) {
    return deny('NotAServiceAccount', `identities are given to service accounts, and ${quote(spec.username)} is none`);
  }
  const { namespace, pod } = requester;
  if (allowedNamespaces.length > 0 && !allowedNamespaces.includes(namespace)) {
    return deny('NamespaceNotAllowed', `the signer does not serve the namespace ${quote(namespace)}`);
  }
  if (identities.needsPod && pod === undefined) {
    return deny('NoPod', 'the identity holds the name of a pod, and the token of the requester is bound to none');
  }
  const csr = read(spec.request);
  if (csr === undefined) return deny('RequestUnreadable', 'spec.request is no PKCS#10 request in PEM');
  const spiffeId = identities.render(requester);
  const denied = findFault(csr, spiffeId) ?? findWrongUsage(spec.usages ?? []);
  return denied ?? { isGranted: true, requester, spiffeId, csr };
}

function read(request: string): Csr | undefined {
  try {
    return readCsr(Buffer.from(request, 'base64').toString('latin1'));
  } catch {
    return undefined;
  }
}

function findFault(csr: Csr, spiffeId: SpiffeId): Denied | undefined {
  if (!isAllowedKey(csr.publicKey)) {
    return deny('KeyNotAllowed', 'keys are EC on P-256 or P-384, or RSA of 2048 to 4096 bits');
  }
  if (!csr.isSigned) return deny('NotSignedByItsKey', 'the request is not signed with its own key and SHA-2');
  if (csr.hasSubject) return deny('SubjectNotEmpty', 'the SPIFFE ID is the only name, and the request has a subject');
  if (csr.extensions.has(OID_BASIC_CONSTRAINTS)) {
    return deny('CaAskedFor', 'the request has basic constraints, and no certificate of this signer is a CA');
  }
  const other = [...csr.otherAttributes, ...csr.extensions.keys()].find((oid) => oid !== OID_SUBJECT_ALT_NAME);
  if (other !== undefined) {
    return deny('ExtensionNotAllowed', `the request may hold a subject alternative name only, and holds ${other}`);
  }
  return findWrongName(csr.extensions.get(OID_SUBJECT_ALT_NAME), spiffeId);
}

function findWrongName(subjectAltName: Buffer | undefined, spiffeId: SpiffeId): Denied | undefined {
  const wanted = `the requester's identity is ${spiffeId}`;
  let names: ReturnType<typeof readGeneralNames>;
  try {
    names = subjectAltName === undefined ? [] : readGeneralNames(subjectAltName);
  } catch {
    return deny('RequestUnreadable', 'the subject alternative name of the request cannot be read');
  }
  const foreign = names.find(({ tag }) => tag !== TAG_URI);
  if (foreign !== undefined) {
    const kind = NAME_KINDS[foreign.tag] ?? 'another kind of name';
    return deny('NameNotAllowed', `${wanted} and no other name, and the request holds ${kind}, too`);
  }
  if (names.length > 1) return deny('SeveralUris', `${wanted} alone, and the request holds ${names.length} URIs`);
  const uri = names[0]?.content.toString('latin1');
  if (uri === spiffeId.toString()) return undefined;
  return deny('OtherIdentity', `${wanted}, and the request is for ${uri === undefined ? 'none' : quote(uri)}`);
}

function findWrongUsage(usages: readonly string[]): Denied | undefined {
  const isExact = new Set(usages).size === SVID_USAGES.length && SVID_USAGES.every((usage) => usages.includes(usage));
  if (isExact) return undefined;
  return deny('UsagesNotAllowed', `spec.usages has to be exactly ${SVID_USAGES.join(', ')}`);
}

/** As agents make them; longer RSA keys cost everybody who verifies them, other exponents are nobody's. */
function isAllowedKey({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { namedCurve, modulusLength = 0, publicExponent } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'ec') return CURVES.includes(namedCurve);
  return asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 4096 && publicExponent === 65_537n;
}

function deny(reason: Denial, message: string): Denied {
  return { isGranted: false, reason, message };
}

/** What a requester wrote, for messages that others read. */
function quote(text = ''): string {
  const printable = text.replaceAll(/[^ -~]/g, '?');
  return `"${printable.length > 200 ? `${printable.slice(0, 197)}...` : printable}"`;
}
