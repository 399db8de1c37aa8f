import type { ReadDataSource } from '../../data-source.ts';
import { AgentError } from '../../errors.ts';
import type { Generation } from '../../identity/identity.ts';
import type { Pkcs12Config, Pkcs12Name } from './config.ts';
import { type FileContent, nameOf, type Output } from './contents.ts';
import { makeKeyStore, makeTrustStore } from './pkcs12.ts';

/**
 * `keystore.p12`: private key and chain. `truststore.p12`: the trust bundle. Both under the password as it is now.
 *
 * @throws AgentError `ERR_DELIVERY` when the password cannot be read, or has characters on whose encoding programs
 * disagree.
 */
export async function renderStores(
  generation: Generation,
  output: Output,
  { password: source }: Pkcs12Config,
  readSource: ReadDataSource,
): Promise<FileContent[]> {
  const refuse = (why: string, remedy: string | undefined, cause?: unknown) =>
    new AgentError('ERR_DELIVERY', `cannot make a key store in ${output.directory}: ${why}`, {
      detail: 'password',
      cause,
      ...(remedy && { remedy }),
    });
  const text = await readSource(source).catch((thrown: unknown) => {
    const { message, remedy } = AgentError.from(thrown);
    throw refuse(message, remedy, thrown);
  });
  const password = text.replace(/\r?\n$/, '');
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw refuse('the password has more than one line, or is not of printable ASCII characters', 'choose another one');
  }
  const file = (name: Pkcs12Name, content: Buffer, secret: boolean) => ({
    name: nameOf(name, output),
    content,
    secret,
  });
  return [
    file('keystore.p12', await makeKeyStore(generation, password), true),
    file('truststore.p12', await makeTrustStore(generation.trustBundle, password), false),
  ];
}
