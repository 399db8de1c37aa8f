/**
 * A client for the query protocol of AWS, which IAM and STS speak and nothing else here does: a form goes out, XML comes back
 * (IAM User Guide, "Calling the IAM API using HTTP query requests").
 *
 * There is no parser for the XML: what is read are elements that hold a text and no further elements, each of a name that
 * means one thing in its answer. Texts of other people's making, such as descriptions, are not read.
 *
 * @module
 */
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentials } from '../../issuer/acmpca/credentials.ts';
import { explainRefusal } from './explain-refusal.ts';

export interface QueryService {
  /** For people: `AWS IAM`. */
  readonly name: string;
  /** As it is signed, and as rights begin: `iam`. */
  readonly code: string;
  readonly endpoint: string;
  /** That its endpoint takes signatures for. */
  readonly region: string;
  /** Of its API: `2010-05-08`. */
  readonly version: string;
}

/** @returns the answer, XML. @throws AgentError; its detail is `absent` when AWS says that there is no such thing. */
export type Query = (action: string, parameters?: Readonly<Record<string, string>>) => Promise<string>;

const TIME_LIMIT_MS = 30_000;

/** Nothing is tried twice, no redirect is followed, no proxy is used. */
export function openQuery(service: QueryService, credentials: AwsCredentials, nowMs: () => number): Query {
  const { code, endpoint, region, version } = service;
  const { protocol, host, hostname } = new URL(endpoint);
  const signer = new SignatureV4({ service: code, region, credentials, sha256: Sha256 });
  return async (action, parameters = {}) => {
    const body = new URLSearchParams({ Action: action, Version: version, ...parameters }).toString();
    const contentType = 'application/x-www-form-urlencoded; charset=utf-8';
    const request = {
      method: 'POST',
      protocol,
      hostname,
      path: '/',
      headers: { host, 'content-type': contentType },
      body,
    };
    try {
      const signed = await signer.sign(request, { signingDate: new Date(nowMs()) });
      const { host: _, ...headers } = signed.headers;
      const signal = AbortSignal.timeout(TIME_LIMIT_MS);
      const answer = await fetch(new URL(endpoint).origin, {
        method: 'POST',
        headers,
        body,
        redirect: 'error',
        signal,
      });
      const text = await answer.text();
      if (!answer.ok) throw readError(text, answer.status);
      return text;
    } catch (thrown) {
      throw explainRefusal(thrown, { service: service.name, right: `${code}:${action}`, action });
    }
  };
}

/** The texts of all elements of a name, in their order. */
export function readTexts(xml: string, name: string): string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g')), ([, text = '']) =>
    decodeEntities(text),
  );
}

/** In the shape that the errors of the AWS SDK have. */
function readError(xml: string, httpStatusCode: number): Error {
  const [name = ''] = readTexts(xml, 'Code');
  const [message = ''] = readTexts(xml, 'Message');
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([\da-f]{1,5})|#(\d{1,6})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
