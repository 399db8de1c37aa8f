import { planNewCa } from './new-ca.ts';
import { renderPolicy } from './policy.ts';
import { namePolicy, type SetupChoices, type SetupSubject } from './subject.ts';

/** What AWS needs, for a person to read, to run and to keep: a script for a POSIX shell, of `aws` commands. */
export function renderSetup(subject: SetupSubject, { makesCa, role }: SetupChoices): string {
  const head = `#!/bin/sh
# What AWS needs before a meshcert agent can get certificates for ${subject.spiffeId}.
# To be run once by an administrator of the AWS account. It makes what it names, and changes nothing that is there.
set -eu`;
  const blocks = [
    head,
    ...(makesCa ? [renderNewCa(subject)] : [renderLook(subject)]),
    renderRights(subject, role, makesCa),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderLook({ acmpca: { arn, region } }: SetupSubject): string {
  return `# The CA. It has to be ACTIVE; where there is none yet: meshcert setup acmpca --new-ca
aws acm-pca describe-certificate-authority --region ${region} --certificate-authority-arn ${arn} \\
  --query CertificateAuthority.Status --output text`;
}

/** The steps of the AWS Private CA User Guide, "Installing a root CA certificate". */
function renderNewCa(subject: SetupSubject): string {
  const { region } = subject.acmpca;
  const { commonName, usageMode, keyAlgorithm, signingAlgorithm, years, token, template } = planNewCa(subject);
  const pca = `--region ${region} --certificate-authority-arn "$arn"`;
  return `# A root CA of its own, with a key that never leaves AWS. AWS charges for it by the month, and for each certificate:
# certificates of up to 7 days (SHORT_LIVED_CERTIFICATE) cost less. Run twice within 5 minutes, this makes one CA.
arn=$(aws acm-pca create-certificate-authority --region ${region} --certificate-authority-type ROOT \\
  --usage-mode ${usageMode} --idempotency-token ${token} \\
  --certificate-authority-configuration \\
  'KeyAlgorithm=${keyAlgorithm},SigningAlgorithm=${signingAlgorithm},Subject={CommonName=${commonName}}' \\
  --query CertificateAuthorityArn --output text)
aws acm-pca wait certificate-authority-csr-created ${pca}

# Its certificate, for ten years, signed by itself.
work=$(mktemp -d)
aws acm-pca get-certificate-authority-csr ${pca} --output text > "$work/ca.csr"
certificate=$(aws acm-pca issue-certificate ${pca} \\
  --csr "fileb://$work/ca.csr" --signing-algorithm ${signingAlgorithm} \\
  --template-arn ${template} \\
  --validity Value=${years},Type=YEARS --query CertificateArn --output text)
aws acm-pca wait certificate-issued ${pca} --certificate-arn "$certificate"
aws acm-pca get-certificate ${pca} --certificate-arn "$certificate" \\
  --query Certificate --output text > "$work/ca.pem"
aws acm-pca import-certificate-authority-certificate ${pca} --certificate "fileb://$work/ca.pem"
rm -r "$work"
echo "put this into the Mesh as conf.arn: $arn"`;
}

function renderRights(subject: SetupSubject, role: string | undefined, makesCa: boolean): string {
  const { acmpca } = subject;
  const name = namePolicy(subject);
  // The shell puts the ARN of the CA that was just made in place of the one that is configured.
  const policy = makesCa ? renderPolicy({ ...acmpca, arn: '$arn' }) : renderPolicy(acmpca);
  const attach = `aws iam attach-role-policy --region ${acmpca.region} --role-name ${role ?? 'ROLE'} --policy-arn "$policy"`;
  return `# The rights of an agent, and no more. IAM cannot tell names apart: who has these rights may ask for any name of the mesh.
policy=$(aws iam create-policy --region ${acmpca.region} --policy-name ${name} --query Policy.Arn --output text --policy-document "$(cat <<END
${policy}
END
)")
${role === undefined ? `# Attach it to the IAM role of the agents: ${attach}` : attach}
echo "the policy of the agents: $policy"`;
}
