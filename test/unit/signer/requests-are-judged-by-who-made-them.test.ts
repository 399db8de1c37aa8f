import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import t from 'tap';
import { makeCsr } from '../../../src/identity/csr.ts';
import { encode, encodeOid, TAG } from '../../../src/identity/der.ts';
import { derToPem } from '../../../src/identity/pem.ts';
import { SpiffeId } from '../../../src/identity/spiffe-id.ts';
import { type SigningRequestSpec, SVID_USAGES } from '../../../src/kubernetes/signing-request.ts';
import { readIdentityTemplate } from '../../../src/signer/identity-template.ts';
import { judge, type SignerPolicy } from '../../../src/signer/judge.ts';

const TEMPLATE = '/ns/{namespace}/sa/{serviceAccount}';
const POLICY: SignerPolicy = { identities: readIdentityTemplate('default', TEMPLATE, false), allowedNamespaces: [] };
const GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'];
const USERNAME = 'system:serviceaccount:shop:web';
const ID = new SpiffeId('default', '/ns/shop/sa/web');
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const toRequest = (der: Buffer) => Buffer.from(derToPem('CERTIFICATE REQUEST', der)).toString('base64');

function makeSpec(changes: Partial<SigningRequestSpec> = {}): SigningRequestSpec {
  return {
    request: toRequest(makeCsr(ID, EC)),
    signerName: 'meshcert.io/default',
    usages: SVID_USAGES,
    username: USERNAME,
    groups: GROUPS,
    ...changes,
  };
}

function tell(changes: Partial<SigningRequestSpec>, policy = POLICY): string {
  const verdict = judge(makeSpec(changes), policy);
  return verdict.isGranted ? verdict.spiffeId.toString() : verdict.reason;
}

/** A request whose inside is as given, signed by its key. */
function assemble(key: KeyObject, attributes: readonly Buffer[], subject: readonly Buffer[] = []): Buffer {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const version = encode(TAG.integer, Buffer.from([0]));
  const info = encode(TAG.sequence, version, encode(TAG.sequence, ...subject), spki, encode(0xa0, ...attributes));
  const algorithm = encode(TAG.sequence, encodeOid('1.2.840.10045.4.3.2'));
  const signature = encode(TAG.bitString, Buffer.from([0]), sign('sha256', info, key));
  return encode(TAG.sequence, info, algorithm, signature);
}

const attribute = (oid: string, ...values: Buffer[]) =>
  encode(TAG.sequence, encodeOid(oid), encode(TAG.set, ...values));
const extensions = (...all: Buffer[]) => attribute('1.2.840.113549.1.9.14', encode(TAG.sequence, ...all));
const extension = (oid: string, value: Buffer) => encode(TAG.sequence, encodeOid(oid), encode(TAG.octetString, value));
const names = (...all: Buffer[]) => extension('2.5.29.17', encode(TAG.sequence, ...all));
const uri = encode(0x86, Buffer.from(ID.toString()));

t.test('a service account gets its own identity', async (t) => {
  t.equal(tell({}), ID.toString());
  t.equal(tell({ request: toRequest(assemble(EC, [extensions(names(uri))])) }), ID.toString());
  for (const modulusLength of [2048, 3072]) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
    t.equal(tell({ request: toRequest(makeCsr(ID, privateKey)) }), ID.toString());
  }
});

t.test('who asks is what the API server recorded, in name and groups', async (t) => {
  t.equal(tell({ username: 'system:serviceaccount:shop:other' }), 'OtherIdentity');
  for (const username of [
    undefined,
    '',
    'admin',
    'system:node:n1',
    'system:serviceaccount:shop',
    'system:serviceaccount:shop:web:admin',
    'system:serviceaccount::web',
    'system:serviceaccount:shop:web\n',
    'system:serviceaccount:shop:../web',
    'xsystem:serviceaccount:shop:web',
  ]) {
    t.equal(tell({ username: username as string }), 'NotAServiceAccount', String(username));
  }
  t.equal(tell({ groups: [] }), 'NotAServiceAccount', 'a name that another way to log in gave');
  const others = ['system:serviceaccounts', 'system:serviceaccounts:other'];
  t.equal(tell({ groups: others }), 'NotAServiceAccount', 'groups of another namespace');
});

t.test('namespaces may be left unserved', async (t) => {
  t.equal(tell({}, { ...POLICY, allowedNamespaces: ['other'] }), 'NamespaceNotAllowed');
  t.equal(tell({}, { ...POLICY, allowedNamespaces: ['other', 'shop'] }), ID.toString());
});

t.test('the name of a pod is that in the token, and there is one', async (t) => {
  const template = `${TEMPLATE}/pod/{pod}`;
  const policy = { ...POLICY, identities: readIdentityTemplate('default', template, false) };
  const request = toRequest(makeCsr(new SpiffeId('default', '/ns/shop/sa/web/pod/web-0'), EC));
  const key = 'authentication.kubernetes.io/pod-name';
  t.equal(tell({ request, extra: { [key]: ['web-0'] } }, policy), 'spiffe://default/ns/shop/sa/web/pod/web-0');
  t.equal(tell({ request, extra: { [key]: ['web-1'] } }, policy), 'OtherIdentity');
  t.equal(tell({ request }, policy), 'NoPod');
  t.equal(tell({ request, extra: { [key]: ['web-0', 'web-1'] } }, policy), 'NoPod');
});

t.test('what is no request in PEM, to the last byte, is unreadable', async (t) => {
  const good = makeCsr(ID, EC);
  const twice = Buffer.from(derToPem('CERTIFICATE REQUEST', good).repeat(2)).toString('base64');
  const bad: Record<string, string> = {
    nothing: '',
    'no PEM': Buffer.from('hello').toString('base64'),
    'cut off': toRequest(good.subarray(0, -5)),
    'with more behind': toRequest(Buffer.concat([good, Buffer.from([0])])),
    'two requests': twice,
    'extensions twice': toRequest(assemble(EC, [extensions(names(uri)), extensions(names(uri))])),
    'one extension twice': toRequest(assemble(EC, [extensions(names(uri), names(uri))])),
    'names that are none': toRequest(assemble(EC, [extensions(extension('2.5.29.17', Buffer.from([1, 2])))])),
  };
  for (const [what, request] of Object.entries(bad)) t.equal(tell({ request }), 'RequestUnreadable', what);
  for (let length = 0; length < good.length; length += 7) {
    t.equal(tell({ request: toRequest(good.subarray(0, length)) }), 'RequestUnreadable');
  }
});

t.test('a request is signed by its own key', async (t) => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const der = assemble(EC, [extensions(names(uri))]);
  const foreign = Buffer.from(der);
  const own = createPublicKey(EC).export({ format: 'der', type: 'spki' });
  createPublicKey(other).export({ format: 'der', type: 'spki' }).copy(foreign, der.indexOf(own));
  t.equal(tell({ request: toRequest(foreign) }), 'NotSignedByItsKey', "somebody else's key");
  const tampered = Buffer.from(der);
  tampered.write('spiffe://default/ns/shop/sa/wex', der.indexOf('spiffe://'));
  t.equal(tell({ request: toRequest(tampered) }), 'NotSignedByItsKey', 'changed afterwards');
});

t.test('nothing stands beside the one name', async (t) => {
  const request = (...attributes: Buffer[]) => toRequest(assemble(EC, attributes));
  const challenge = attribute('1.2.840.113549.1.9.7', encode(0x0c, Buffer.from('x')));
  t.equal(tell({ request: request(extensions(names(uri)), challenge) }), 'ExtensionNotAllowed', 'an attribute');
  const policies = extension('2.5.29.32', encode(TAG.sequence));
  t.equal(tell({ request: request(extensions(names(uri), policies)) }), 'ExtensionNotAllowed');
  const noCa = extension('2.5.29.19', encode(TAG.sequence));
  t.equal(tell({ request: request(extensions(names(uri), noCa)) }), 'CaAskedFor', 'even to be none');
  for (const tag of [0x81, 0x82, 0x87, 0x88, 0xa0, 0xa4, 0xa3]) {
    const other = encode(tag, Buffer.from('x'));
    t.equal(tell({ request: request(extensions(names(uri, other))) }), 'NameNotAllowed', `0x${tag.toString(16)}`);
  }
  t.equal(tell({ request: request(extensions(names(uri, uri))) }), 'SeveralUris');
  t.equal(tell({ request: request(extensions(names())) }), 'OtherIdentity');
  t.equal(tell({ request: request() }), 'OtherIdentity');
  const commonName = encode(TAG.set, encode(TAG.sequence, encodeOid('2.5.4.3'), encode(0x0c, Buffer.from('web'))));
  const named = assemble(EC, [extensions(names(uri))], [commonName]);
  t.equal(tell({ request: toRequest(named) }), 'SubjectNotEmpty');
});

t.test('keys are those that agents make', async (t) => {
  const keys: Record<string, KeyObject> = {
    'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
    secp256k1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
    'RSA with the exponent 3': generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey,
    'RSA of 1024 bits': generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  };
  for (const [what, key] of Object.entries(keys)) {
    t.equal(tell({ request: toRequest(makeCsr(ID, key)) }), 'KeyNotAllowed', what);
  }
});

t.test('usages are exactly those of an X.509-SVID, in any order', async (t) => {
  t.equal(tell({ usages: SVID_USAGES.toReversed() }), ID.toString());
  for (const usages of [[], SVID_USAGES.slice(1), [...SVID_USAGES, 'cert sign'], [...SVID_USAGES.slice(1), 'any']]) {
    t.equal(tell({ usages }), 'UsagesNotAllowed');
  }
});

t.test('what a requester wrote is told on one line of printable characters', async (t) => {
  const evil = encode(0x86, Buffer.from(`spiffe://x\n\x1b[31m\x9b${'a'.repeat(500)}`, 'latin1'));
  const verdict = judge(makeSpec({ request: toRequest(assemble(EC, [extensions(names(evil))])) }), POLICY);
  const message = verdict.isGranted ? '' : verdict.message;
  t.match(message, /^[ -~]+$/);
  t.ok(message.length < 350);
});
