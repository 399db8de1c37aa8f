"""An independent reader of a Workload API: py-spiffe. Prints one JSON object for each X.509 context, until it is ended.

    py-spiffe watch.py unix:///run/workload.sock

It also checks what py-spiffe leaves to its callers: that the leaf, through the intermediates, is signed under the bundle.
py-spiffe itself refuses certificates without key usage or basic constraints.
"""

import hashlib
import json
import sys
import threading

from cryptography.hazmat.primitives.serialization import Encoding
from spiffe import WorkloadApiClient


def say(line):
    print(json.dumps(line), flush=True)


def fingerprint(certificate):
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def check_chain(svid, bundle):
    """True, or why not."""
    certificate = svid.leaf
    for issuer in svid.cert_chain[1:]:
        certificate.verify_directly_issued_by(issuer)
        certificate = issuer
    for authority in bundle.x509_authorities:
        try:
            certificate.verify_directly_issued_by(authority)
            return True
        except Exception:
            continue
    return "no authority of the bundle signed the chain"


def describe(svid, bundles):
    return {
        "spiffeId": str(svid.spiffe_id),
        "serialNumber": f"{svid.leaf.serial_number:X}",
        "notAfter": svid.leaf.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "certificates": len(svid.cert_chain),
        "verified": check_chain(svid, bundles.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain)),
    }


def on_context(context):
    bundles = context.x509_bundle_set
    say(
        {
            "event": "context",
            "svids": [describe(svid, bundles) for svid in context.x509_svids],
            "bundles": {
                bundle.trust_domain.name: [fingerprint(one) for one in bundle.x509_authorities]
                for bundle in bundles.bundles
            },
        }
    )


def main(address):
    ended = threading.Event()

    def on_error(error):
        # py-spiffe gives up after it has told an error; what it tries again it does not tell.
        say({"event": "failed", "error": str(error)})
        ended.set()

    with_socket = WorkloadApiClient(address)
    with_socket.stream_x509_contexts(on_context, on_error)
    ended.wait()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
