import type { AcmPcaConfig } from '../issuer/acmpca/config.ts';
import type { BackendContext } from './backends.ts';
import { readCommonName } from './common-name.ts';
import type { Place } from './place.ts';
import { type Read, readMapping } from './read.ts';
import { isAbsent, isMapping, keys, maybe, pattern, text } from './schema.ts';
import { source, useSource } from './source.ts';

const ARN_HINT = 'write it like arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/ID';
/** Region and account may still be the words of the documentation, in a Mesh that also lists such a CA. */
const ARN = /^arn:(aws[a-z-]*):acm-pca:([a-z\d-]+):([a-z\d]+):certificate-authority\/[\da-zA-Z-]+$/;

const CONF = {
  arn: maybe(pattern(ARN, 'the ARN of a private CA', ARN_HINT)),
  commonName: maybe(text),
  caCert: maybe(source),
  auth: maybe(
    keys({ awsCredentials: maybe(keys({ accessKey: maybe(source), accessKeySecret: maybe(source) }, 'secret')) }),
  ),
};

type Conf = Read<typeof CONF>;

/** Reads the `conf` of a backend of type `acmpca`; undefined when a mistake was reported. */
export function readAcmPca(conf: unknown, place: Place, context: BackendContext): AcmPcaConfig | undefined {
  const read = readMapping(CONF, conf, place);
  const raw = conf ?? {};
  if (!isMapping(raw)) return undefined;
  if (isAbsent(raw.arn)) place.at('arn').error('missing: expected the ARN of a private CA', ARN_HINT);
  const credentials = readCredentials(read, place.at('auth', 'awsCredentials'), context.currentDirectory);
  const commonName = readCommonName(read.commonName, place.at('commonName'), context);
  const [, partition, region, account] = ARN.exec(read.arn ?? '') ?? [];
  if (read.arn === undefined || partition === undefined || region === undefined) return undefined;
  if (context.isEnabled && !(/^[a-z]+(-[a-z]+)+-\d+$/.test(region) && /^\d{12}$/.test(account ?? ''))) {
    place.at('arn').error(`there is no region "${region}" with an account "${account}" in AWS`, ARN_HINT);
  }
  return {
    kind: 'acmpca',
    arn: read.arn,
    region,
    partition,
    loginRegion: context.environment.AWS_REGION || region,
    commonName,
    caCert: read.caCert && useSource(read.caCert, place.at('caCert'), context.currentDirectory),
    credentials,
  };
}

function readCredentials({ auth }: Conf, place: Place, currentDirectory: string): AcmPcaConfig['credentials'] {
  const { accessKey, accessKeySecret } = auth?.awsCredentials ?? {};
  if (accessKey === undefined && accessKeySecret === undefined) return undefined;
  if (accessKey === undefined || accessKeySecret === undefined) {
    const missing = accessKey === undefined ? 'accessKey' : 'accessKeySecret';
    place.at(missing).error('missing: an access key and its secret belong together');
    return undefined;
  }
  return {
    accessKey: useSource(accessKey, place.at('accessKey'), currentDirectory),
    accessKeySecret: useSource(accessKeySecret, place.at('accessKeySecret'), currentDirectory),
  };
}
