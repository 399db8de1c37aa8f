import { X509Certificate } from 'node:crypto';
import { AgentError } from '../../errors.ts';
import { isIssuedBy, isSelfSigned } from '../../identity/is-issued-by.ts';
import type { Issued } from '../issuer.ts';
import { chooseAnchors, dropDuplicates, parseCertificates } from './anchors.ts';
import type { CaChain } from './ca-chain.ts';
import { asNumber, asRecord, asString, asStrings } from './json.ts';

/** An answer of `sign` or `issue`, read. */
export interface SignedAnswer extends Issued {
  /** Seconds since 1970. */
  readonly notAfterSeconds: number | undefined;
  /** Whether what peers are to trust is an intermediate, because no root is known here. */
  readonly anchorIsIntermediate: boolean;
}

/**
 * Reads `data` of the answer (certificate, issuing_ca, ca_chain, private_key) and decides what peers are to trust:
 *
 * what the user pinned as `caChain`, and the answer then adds no trust; else the anchors among the CAs in the answer.
 *
 * @throws AgentError `ERR_CA_PROTOCOL`, or `ERR_SOURCE` when the pinned chain is not that of the CA which signed.
 */
export function readSignedAnswer(body: unknown, pinned: CaChain | undefined): SignedAnswer {
  const data = asRecord(asRecord(body).data);
  const [leaf] = parseAll([asString(data.certificate) ?? '']);
  if (leaf === undefined) throw protocolError('it holds no certificate');
  const issuingCa = asString(data.issuing_ca);
  const cas = dropDuplicates(parseAll([...(issuingCa === undefined ? [] : [issuingCa]), ...asStrings(data.ca_chain)]));

  const intermediates = pinned?.intermediates.map((der) => new X509Certificate(der)) ?? [];
  const known = dropDuplicates([...cas, ...intermediates]);
  const anchors = pinned === undefined ? chooseAnchors(cas) : pinned.anchors.map((der) => new X509Certificate(der));
  if (anchors.length === 0) throw protocolError('it holds no CA certificate');
  if (pinned !== undefined) checkPinned(leaf, known, anchors);

  const privateKeyPem = asString(data.private_key);
  return {
    chain: [leaf, ...known].map(({ raw }) => raw),
    roots: anchors.map(({ raw }) => raw),
    ...(privateKeyPem !== undefined && { privateKeyPem }),
    notAfterSeconds: asNumber(data.expiration),
    anchorIsIntermediate: !anchors.every(isSelfSigned),
  };
}

/** Verification would refuse it too, but could not say where the mistake is. */
function checkPinned(
  leaf: X509Certificate,
  known: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): void {
  const belongs = [leaf, ...known].some((one) =>
    anchors.some((anchor) => one.raw.equals(anchor.raw) || isIssuedBy(one, anchor)),
  );
  if (belongs) return;
  const issuer = leaf.issuer.replaceAll('\n', ', ');
  throw new AgentError('ERR_SOURCE', `conf.fromCp.caChain is not the chain of the CA that signed, "${issuer}"`, {
    remedy: 'put the root of that CA there',
  });
}

function parseAll(pems: readonly string[]): X509Certificate[] {
  try {
    return parseCertificates(pems);
  } catch (cause) {
    throw protocolError('it holds a broken certificate', cause);
  }
}

function protocolError(why: string, cause?: unknown): AgentError {
  return new AgentError('ERR_CA_PROTOCOL', `Vault's answer to signing cannot be used: ${why}`, {
    remedy: 'check that conf.fromCp.address is that of Vault, and conf.fromCp.pki a PKI engine',
    cause,
  });
}
