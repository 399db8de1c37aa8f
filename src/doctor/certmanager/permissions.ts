import { CERT_MANAGER } from '../../issuer/certmanager/certificate-request.ts';
import type { Kubernetes } from '../../kubernetes/kubernetes.ts';
import { makePath } from '../../kubernetes/paths.ts';
import type { Checked, Examination, Outcome } from '../examination.ts';

const VERBS = ['create', 'get', 'watch', 'delete'];
const REVIEWS = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' };

/** Whether we may do with certificate requests what the agent does (SelfSubjectAccessReview, which everybody may ask for). */
export function checkPermissions(examination: Examination, reached: Checked<Kubernetes>): Promise<Checked<true>> {
  return examination.check('permissions', [reached], async (kubernetes): Promise<Outcome<true>> => {
    const answers = await Promise.all(VERBS.map((verb) => isAllowed(kubernetes, verb)));
    const missing = VERBS.filter((_, index) => !answers[index]);
    const { namespace } = kubernetes;
    if (missing.length === 0) {
      return { verdict: 'pass', cause: `we may ask for certificates in the namespace "${namespace}"`, value: true };
    }
    return {
      verdict: 'fail',
      cause: `we may not ${missing.join(', ')} certificaterequests in the namespace "${namespace}"`,
      remedy: 'grant what is printed to our service account',
      command: `meshcert setup certmanager -c FILE --service-account ${namespace}/NAME | kubectl apply -f -`,
    };
  });
}

async function isAllowed(kubernetes: Kubernetes, verb: string): Promise<boolean> {
  const { namespace } = kubernetes;
  const resourceAttributes = { group: CERT_MANAGER, resource: 'certificaterequests', namespace, verb };
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const { signal } = new AbortController();
  const path = makePath(REVIEWS);
  const answer = await kubernetes.create<{ status?: { allowed?: boolean } }>(path, review, signal);
  return answer.status?.allowed === true;
}
