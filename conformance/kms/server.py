"""Moto's AWS KMS on a free port, with one signing key of each kind.

Prints one line of JSON, {"url": ..., "keys": {spec: arn}}, and serves until its
standard input ends.

Moto hashes what it is given even when MessageType is DIGEST, which it does not
implement, and salts PSS as long as it can, where KMS salts as long as the digest.
Both are put right here by the documentation of KMS's Sign; everything else (the
routing, the wire format, GetPublicKey, the faults) is moto's.
"""

import json
import logging
import os
import sys
import threading

os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")

import boto3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils as prehash
from moto.kms import responses, utils
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
call = threading.local()
sign_call = responses.KmsResponse.sign


def remember(self):
    call.type = self._get_param("MessageType")
    return sign_call(self)


def algorithm(name, message):
    h = HASHES[name[-3:]]
    if call.type != "DIGEST":
        return h, h
    if len(message) != h.digest_size:
        raise responses.ValidationException("Digest is invalid length for algorithm " + name)
    return h, prehash.Prehashed(h)


def sign_rsa(self, message, name):
    h, over = algorithm(name, message)
    pad = padding.PKCS1v15()
    if name.startswith("RSASSA_PSS"):
        pad = padding.PSS(mgf=padding.MGF1(h), salt_length=h.digest_size)
    return self.private_key.sign(message, pad, over)


def sign_ecdsa(self, message, name):
    utils.validate_signing_algorithm(name, self.valid_signing_algorithms)
    _, over = algorithm(name, message)
    return self.private_key.sign(message, ec.ECDSA(over))


responses.KmsResponse.sign = remember
utils.RSAPrivateKey.sign = sign_rsa
utils.ECDSAPrivateKey.sign = sign_ecdsa


def main():
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d" % server.port
    client = boto3.client("kms", region_name="eu-north-1", endpoint_url=url)
    keys = {}
    for spec in ("RSA_2048", "RSA_3072", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"):
        made = client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
        keys[spec] = made["KeyMetadata"]["Arn"]
    keys["encrypting"] = client.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    print(json.dumps({"url": url, "keys": keys}), flush=True)
    sys.stdin.read()
    server.shutdown()


main()
