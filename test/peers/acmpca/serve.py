"""Stands for AWS Private CA, and for STS to log in to it: moto's endpoints over HTTP on loopback, with private_ca.py and with faults on demand.

Leaves out: signatures of requests and IAM are not checked unless a test turns that on (moto's /moto-api/reset-auth; conditions of policies never
are), and there are no quotas, revocation, RAM, ML-DSA and SM2 keys.

    serve.py PORT

Faults and calls belong to one CA each, so that tests which share the process do not see each other:

    POST /stand-in/faults      {"arn", "faults": [{"action", "times"?, ...}]}; without `times`, for ever
        error, message, status       answered instead of doing it
        drop                         done, and the connection cut without an answer
        uri, otherKey, lifeSeconds   of IssueCertificate: what the certificate gets instead
    POST /stand-in/status      {"arn", "status"}: the state of the CA
    GET  /stand-in/calls?arn=  {"calls": [...], "issued": number of end-entity certificates made so far}
"""

import io
import json
import socket
import sys
import threading
from urllib.parse import parse_qs
from xml.etree import ElementTree

import private_ca
from moto.acmpca.models import acmpca_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

LOCK = threading.Lock()
FAULTS = {}
CALLS = {}


def take_fault(arn, action):
    for fault in FAULTS.get(arn, []):
        if fault["action"] == action and fault.get("times") != 0:
            if "times" in fault:
                fault["times"] -= 1
            return fault
    return {}


def find_ca(arn):
    _, _, _, region, account, _ = arn.split(":")
    return acmpca_backends[account][region].certificate_authorities[arn]


def control(path, query, request):
    if path == "faults":
        FAULTS[request["arn"]] = request["faults"]
    elif path == "status":
        find_ca(request["arn"]).status = request["status"]
    elif path == "calls":
        arn = parse_qs(query)["arn"][0]
        made = find_ca(arn).issued_certificates_certificate_chains.values()
        return {"calls": CALLS.get(arn, []), "issued": sum(1 for chain in made if chain)}
    return {}


def describe(environ, request):
    """What a test wants to know of a call."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0].split("/")
    return {
        "action": environ["HTTP_X_AMZ_TARGET"].partition(".")[2],
        "accessKeyId": scope[0],
        "region": scope[2],
        "sessionToken": environ.get("HTTP_X_AMZ_SECURITY_TOKEN"),
        **{key: value for key, value in request.items() if key not in ("CertificateAuthorityArn", "Csr")},
    }


class Application:
    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        path = environ["PATH_INFO"]
        if path.startswith("/stand-in/"):
            with LOCK:
                answer = control(path.removeprefix("/stand-in/"), environ["QUERY_STRING"], json.loads(body or "{}"))
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(answer).encode()]
        if "HTTP_X_AMZ_TARGET" not in environ:
            return self.moto(environ, start_response)
        return self.answer(environ, json.loads(body), start_response)

    def answer(self, environ, request, start_response):
        arn = request.get("CertificateAuthorityArn")
        call = describe(environ, request)
        with LOCK:
            CALLS.setdefault(arn, []).append(call)
            fault = take_fault(arn, call["action"])
        if "error" in fault:
            start_response(f"{fault.get('status', 400)} Refused", [("Content-Type", "application/x-amz-json-1.1")])
            return [json.dumps({"__type": fault["error"], "message": fault.get("message", fault["error"])}).encode()]
        private_ca.WANTED.twist = fault
        if not fault.get("drop"):
            return self.ask_moto(environ, start_response)
        list(self.moto(environ, lambda *_: None))
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start_response("200 OK", [])
        return []

    def ask_moto(self, environ, start_response):
        """moto denies in the XML of IAM, whatever the service speaks."""
        status = None

        def begin(said, headers, *rest):
            nonlocal status
            status = said
            if not said.startswith("403"):
                return start_response(said, headers, *rest)

        answer = self.moto(environ, begin)
        if not status.startswith("403"):
            return answer
        denial = ElementTree.fromstring(b"".join(answer))
        start_response("400 Denied", [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps({"__type": f"{denial.findtext('.//Code')}Exception", "message": denial.findtext(".//Message")}).encode()]


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), Application(), threaded=True).serve_forever()
