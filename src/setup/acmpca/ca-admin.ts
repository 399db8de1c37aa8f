import {
  ACMPCAClient,
  type CertificateAuthority,
  CreateCertificateAuthorityCommand,
  DescribeCertificateAuthorityCommand,
  GetCertificateAuthorityCsrCommand,
  GetCertificateCommand,
  ImportCertificateAuthorityCertificateCommand,
  IssueCertificateCommand,
  ListCertificateAuthoritiesCommand,
  type SigningAlgorithm,
} from '@aws-sdk/client-acm-pca';
import type { Clock } from '../../clock.ts';
import { AgentError } from '../../errors.ts';
import type { AwsCredentials } from '../../issuer/acmpca/credentials.ts';
import type { CaDescription } from '../../issuer/acmpca/private-ca.ts';
import { explainRefusal } from './explain-refusal.ts';
import type { NewCa } from './new-ca.ts';

/** A CA that is there. */
export interface FoundCa extends CaDescription {
  readonly arn: string;
  readonly isRoot: boolean;
  readonly commonName: string | undefined;
}

/** The CAs of one region. Each call throws AgentError. */
export interface CaAdmin {
  /** Undefined: there is none of that ARN here. */
  find(arn: string): Promise<FoundCa | undefined>;
  /** All of the account, but for those that are deleted. */
  list(): Promise<readonly FoundCa[]>;
  /** AWS charges for it by the month. @returns its ARN, as soon as it waits for its certificate. */
  create(wanted: NewCa): Promise<string>;
  /** Lets a root that waits for its certificate sign it by itself. */
  install(ca: Pick<FoundCa, 'arn' | 'signingAlgorithm'>, wanted: Pick<NewCa, 'template' | 'years'>): Promise<void>;
  close(): void;
}

const ASK_AGAIN_MS = 1_000;
/** As long as AWS's own waiters wait for these. */
const ATTEMPTS = 60;

export function openCaAdmin(region: string, credentials: AwsCredentials, clock: Pick<Clock, 'sleep'>): CaAdmin {
  const client = new ACMPCAClient({ region, credentials });

  async function call<T>(action: string, work: Promise<T>): Promise<T> {
    return work.catch((thrown: unknown) => {
      throw explainRefusal(thrown, { service: `AWS Private CA in ${region}`, right: `acm-pca:${action}`, action });
    });
  }

  /** Asks until it is there: AWS says RequestInProgressException as long as it is not. */
  async function waitFor<T>(action: string, ask: () => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await call(
        action,
        ask().catch((thrown: Error) => {
          if (thrown.name === 'RequestInProgressException') return undefined;
          throw thrown;
        }),
      );
      if (found !== undefined) return found;
      await clock.sleep(ASK_AGAIN_MS, new AbortController().signal);
    }
    throw new AgentError('ERR_CA_UNAVAILABLE', `AWS Private CA in ${region} is not done within a minute`, {
      remedy: 'run it again: it goes on where this has ended',
    });
  }

  return {
    async find(arn) {
      const command = new DescribeCertificateAuthorityCommand({ CertificateAuthorityArn: arn });
      try {
        const { CertificateAuthority: found } = await call('DescribeCertificateAuthority', client.send(command));
        return toFoundCa(found);
      } catch (thrown) {
        if (AgentError.from(thrown).detail === 'absent') return undefined;
        throw thrown;
      }
    },
    async list() {
      const all: FoundCa[] = [];
      let NextToken: string | undefined;
      do {
        const command = new ListCertificateAuthoritiesCommand(NextToken === undefined ? {} : { NextToken });
        const answer = await call('ListCertificateAuthorities', client.send(command));
        const there = (answer.CertificateAuthorities ?? []).filter(({ Status }) => Status !== 'DELETED');
        all.push(...there.map(toFoundCa).filter((one) => one !== undefined));
        NextToken = answer.NextToken;
      } while (NextToken !== undefined);
      return all;
    },
    async create({ commonName, usageMode, keyAlgorithm, signingAlgorithm, token }) {
      const command = new CreateCertificateAuthorityCommand({
        CertificateAuthorityType: 'ROOT',
        CertificateAuthorityConfiguration: {
          KeyAlgorithm: keyAlgorithm,
          SigningAlgorithm: signingAlgorithm,
          Subject: { CommonName: commonName },
        },
        UsageMode: usageMode,
        IdempotencyToken: token,
      });
      const { CertificateAuthorityArn = '' } = await call('CreateCertificateAuthority', client.send(command));
      return CertificateAuthorityArn;
    },
    async install({ arn: CertificateAuthorityArn, signingAlgorithm }, { template, years }) {
      const { Csr = '' } = await waitFor('GetCertificateAuthorityCsr', () =>
        client.send(new GetCertificateAuthorityCsrCommand({ CertificateAuthorityArn })),
      );
      const order = new IssueCertificateCommand({
        CertificateAuthorityArn,
        Csr: Buffer.from(Csr),
        SigningAlgorithm: signingAlgorithm as SigningAlgorithm,
        TemplateArn: template,
        Validity: { Type: 'YEARS', Value: years },
        // A second run within 5 minutes gets the same certificate.
        IdempotencyToken: CertificateAuthorityArn.slice(-36),
      });
      const { CertificateArn } = await call('IssueCertificate', client.send(order));
      const { Certificate = '' } = await waitFor('GetCertificate', () =>
        client.send(new GetCertificateCommand({ CertificateAuthorityArn, CertificateArn })),
      );
      const certificate = { CertificateAuthorityArn, Certificate: Buffer.from(Certificate) };
      const command = new ImportCertificateAuthorityCertificateCommand(certificate);
      await call('ImportCertificateAuthorityCertificate', client.send(command));
    },
    close: () => client.destroy(),
  };
}

function toFoundCa(found: CertificateAuthority | undefined): FoundCa | undefined {
  const { Arn: arn, Status: status, CertificateAuthorityConfiguration: configuration } = found ?? {};
  if (arn === undefined || status === undefined || configuration === undefined) return undefined;
  return {
    arn,
    status,
    isRoot: found?.Type === 'ROOT',
    commonName: configuration.Subject?.CommonName,
    signingAlgorithm: configuration.SigningAlgorithm ?? '',
    notAfterMs: found?.NotAfter?.getTime(),
    isShortLived: found?.UsageMode === 'SHORT_LIVED_CERTIFICATE',
  };
}
