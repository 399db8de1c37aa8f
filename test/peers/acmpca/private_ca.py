"""What moto leaves out of AWS Private CA and the tests need: keys by KeyAlgorithm, Validity, UsageMode, templates, idempotency tokens, states."""

import base64
import datetime
import json
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.acmpca import models, responses, urls
from moto.acmpca.exceptions import ResourceNotFoundException
from moto.core.exceptions import JsonRESTError

TOKEN_WINDOW_SECONDS = 300
BACK_DATE = datetime.timedelta(hours=1)
SHORT_LIVED_DAYS = 7
CURVES = {"EC_prime256v1": ec.SECP256R1, "EC_secp384r1": ec.SECP384R1, "EC_secp521r1": ec.SECP521R1}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
DAYS_OF = {"DAYS": 1, "MONTHS": 30, "YEARS": 365}
ROOT = "RootCACertificate/V1"
INTERMEDIATE = "SubordinateCACertificate_PathLen0/V1"
END_ENTITY = "EndEntityCertificate/V1"
END_ENTITY_API = "EndEntityCertificate_APIPassthrough/V1"

WANTED = threading.local()
"""`twist`: what the certificate that this thread issues gets instead of what was asked for (uri, otherKey, lifeSeconds)."""


def refuse(code, message):
    return JsonRESTError(code, message)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class CertificateAuthority(models.CertificateAuthority):
    # moto derives the service from it.
    __module__ = models.__name__

    def __init__(self, **options):
        super().__init__(**options)
        algorithm = self.certificate_authority_configuration["KeyAlgorithm"]
        if algorithm in CURVES:
            self.own_key = ec.generate_private_key(CURVES[algorithm]())
        else:
            self.own_key = rsa.generate_private_key(65537, int(algorithm.removeprefix("RSA_")))
        self.usage_mode = "GENERAL_PURPOSE"
        self.arns_by_token = {}

    @property
    def key(self):
        return self.own_key

    @property
    def state(self):
        if self.status == "ACTIVE" and self.certificate.not_valid_after_utc <= now():
            return "EXPIRED"
        return self.status

    def to_json(self):
        return {**super().to_json(), "Status": self.state, "UsageMode": self.usage_mode}

    def issue(self, request):
        """Twice the same token within its window is one certificate."""
        token = request.get("IdempotencyToken")
        at, arn = self.arns_by_token.get(token, (0, None))
        if token is None or arn is None or time.monotonic() - at > TOKEN_WINDOW_SECONDS:
            arn = self.sign(request, getattr(WANTED, "twist", {}))
            self.arns_by_token[token] = (time.monotonic(), arn)
        return arn

    def sign(self, request, twist):
        template = (request.get("TemplateArn") or END_ENTITY).split(":template/")[-1]
        if template != ROOT and self.state != "ACTIVE":
            raise refuse("InvalidStateException", f"The certificate authority {self.arn} is in the state {self.state}.")
        csr = read_csr(request["Csr"])
        subject = subject_of(template, csr, request.get("ApiPassthrough"))
        end = self.end_of(request["Validity"], template)
        if "lifeSeconds" in twist:
            end = now() + datetime.timedelta(seconds=twist["lifeSeconds"])
        key = ec.generate_private_key(ec.SECP256R1()).public_key() if twist.get("otherKey") else csr.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if template == ROOT else self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - BACK_DATE)
            .not_valid_after(end)
        )
        for extension, critical in extensions_of(template, csr, key, self.own_key.public_key(), twist):
            builder = builder.add_extension(extension, critical)
        made = builder.sign(self.own_key, self.hash_for(request["SigningAlgorithm"]))
        arn = f"{self.arn}/certificate/{made.serial_number:032x}"
        self.issued_certificates[arn] = made.public_bytes(serialization.Encoding.PEM)
        self.issued_certificates_certificate_chains[arn] = b"" if template == ROOT else self.certificate_bytes + self.above
        return arn

    @property
    def above(self):
        """PEM of the CAs above this one."""
        return base64.b64decode(self.certificate_chain) if self.certificate_chain else b""

    def hash_for(self, signing_algorithm):
        size, _, family = signing_algorithm.removeprefix("SHA").partition("WITH")
        if family != ("ECDSA" if isinstance(self.own_key, ec.EllipticCurvePrivateKey) else "RSA"):
            raise refuse("ValidationException", "The signing algorithm does not match the key of the CA.")
        return HASHES[size]()

    def end_of(self, validity, template):
        kind, value = validity["Type"], validity["Value"]
        if kind == "ABSOLUTE":
            end = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
        elif kind in DAYS_OF:
            end = now() + datetime.timedelta(days=value * DAYS_OF[kind])
        else:
            raise refuse("ValidationException", f"Validity {kind} is not served here.")
        if end <= now():
            raise refuse("ValidationException", "The validity ends in the past.")
        if template == ROOT:
            return end
        if end > self.certificate.not_valid_after_utc:
            raise refuse("ValidationException", "The validity exceeds that of the certificate authority.")
        limit = datetime.timedelta(days=SHORT_LIVED_DAYS)
        if self.usage_mode == "SHORT_LIVED_CERTIFICATE" and end - now() > limit:
            raise refuse("ValidationException", "A CA for short-lived certificates issues for 7 days at most.")
        return end


def read_csr(encoded):
    try:
        csr = x509.load_pem_x509_csr(base64.b64decode(encoded))
        names = [e for e in csr.extensions if e.oid == x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME]
    except ValueError:
        raise refuse("MalformedCSRException", "The certificate signing request cannot be read.")
    if not csr.is_signature_valid:
        raise refuse("MalformedCSRException", "The signature of the certificate signing request does not match.")
    if not list(csr.subject) and not names:
        raise refuse("MalformedCSRException", "The certificate signing request has neither a subject nor a SAN.")
    return csr


def subject_of(template, csr, passed):
    if passed is None:
        return csr.subject
    if template != END_ENTITY_API:
        raise refuse("ValidationException", "ApiPassthrough needs a template that takes it.")
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, passed["Subject"]["CommonName"])])


def usage(*names):
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in names for name in every.split()})


def extensions_of(template, csr, key, ca_key, twist):
    """AWS, "AWS Private CA template definitions"."""
    own_id = (x509.SubjectKeyIdentifier.from_public_key(key), False)
    ca_id = (x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key), False)
    ca_usage = (usage("digital_signature", "key_cert_sign", "crl_sign"), True)
    if template == ROOT:
        return [(x509.BasicConstraints(True, None), True), ca_usage, own_id]
    if template == INTERMEDIATE:
        return [(x509.BasicConstraints(True, 0), True), ca_usage, own_id, ca_id]
    if template not in (END_ENTITY, END_ENTITY_API):
        raise refuse("ValidationException", f"The template {template} is not served here.")
    names = [(e.value, e.critical) for e in csr.extensions if e.oid == x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME]
    if "uri" in twist:
        names = [(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(twist["uri"])]), True)]
    both = [x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    return [
        *names,
        (x509.BasicConstraints(False, None), False),
        (usage("digital_signature", "key_encipherment"), True),
        (x509.ExtendedKeyUsage(both), False),
        own_id,
        ca_id,
    ]


class Response(responses.ACMPCAResponse):
    def find_ca(self, request):
        return self.acmpca_backend.describe_certificate_authority(request["CertificateAuthorityArn"])

    def create_certificate_authority(self):
        answer = json.loads(super().create_certificate_authority())
        usage_mode = json.loads(self.body).get("UsageMode")
        if usage_mode:
            self.find_ca(answer).usage_mode = usage_mode
        return json.dumps(answer)

    def issue_certificate(self):
        request = json.loads(self.body)
        return json.dumps({"CertificateArn": self.find_ca(request).issue(request)})

    def get_certificate(self):
        request = json.loads(self.body)
        if request["CertificateArn"] not in self.find_ca(request).issued_certificates:
            raise ResourceNotFoundException(request["CertificateArn"])
        return super().get_certificate()

    def _determine_resource(self):
        """What moto holds the policies of a user against, once rights are judged."""
        return json.loads(self.body).get("CertificateAuthorityArn", "*")


def describe(backend, certificate_authority_arn):
    if not certificate_authority_arn.startswith(f"arn:aws:acm-pca:{backend.region_name}:"):
        raise refuse("InvalidArnException", f"{certificate_authority_arn} is not valid in {backend.region_name}.")
    if certificate_authority_arn not in backend.certificate_authorities:
        raise ResourceNotFoundException(certificate_authority_arn)
    return backend.certificate_authorities[certificate_authority_arn]


models.CertificateAuthority = CertificateAuthority
models.ACMPCABackend.describe_certificate_authority = describe
urls.url_paths["{0}/$"] = Response.dispatch
