"""KeyPackages written byte by byte (RFC 9420 §7.2, §10), and the keys that sign them and requests."""

import base64
import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LAST_RESORT = 0x000A


class Key:
    """A signature key made from a seed: the same one each time."""

    def __init__(self, seed, scheme="ed25519"):
        digest = hashlib.sha256(seed.encode()).digest()
        self.scheme = scheme
        if scheme == "ed25519":
            self._secret = ed25519.Ed25519PrivateKey.from_private_bytes(digest)
            self.public = self._secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self.http_algorithm, self.suite = "ed25519", 1
        else:
            # Below the order of the curve, whatever the digest is.
            self._secret = ec.derive_private_key(int.from_bytes(digest, "big") >> 8 | 1, ec.SECP256R1())
            public = self._secret.public_key()
            self.public = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self.http_algorithm, self.suite = "ecdsa-p256-sha256", 2

    @property
    def id(self):
        """As the directory names it."""
        return base64url(hashlib.sha256(f"{self.scheme}:".encode() + self.public).digest())

    def sign_mls(self, content):
        """As MLS wants it: P-256 in DER."""
        if self.scheme == "ed25519":
            return self._secret.sign(content)
        return self._secret.sign(content, ec.ECDSA(hashes.SHA256()))

    def sign_http(self, content):
        """As RFC 9421 wants it: P-256 as two numbers of 32 bytes."""
        signature = self.sign_mls(content)
        if self.scheme == "ed25519":
            return signature
        r, s = utils.decode_dss_signature(signature)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def key_package(identity, key, seed, not_before, not_after, last_resort=False):
    """A KeyPackage that a directory accepts; its two HPKE keys come from the seed."""
    marks = [LAST_RESORT] if last_resort else []
    leaf = b"".join([
        vector(_hpke_key(key, f"encryption:{seed}")),
        vector(key.public),
        b"\x00\x01" + vector(identity.encode()),
        _words([1]), _words([1, 2, 3]), _words(marks), _words([]), _words([1]),
        b"\x01" + not_before.to_bytes(8, "big") + not_after.to_bytes(8, "big"),
        vector(b""),
    ])
    extensions = b"".join(kind.to_bytes(2, "big") + vector(b"") for kind in marks)
    content = b"".join([
        b"\x00\x01" + key.suite.to_bytes(2, "big"),
        vector(_hpke_key(key, f"init:{seed}")),
        leaf + vector(_sign(key, b"LeafNodeTBS", leaf)),
        vector(extensions),
    ])
    return content + vector(_sign(key, b"KeyPackageTBS", content))


def framed(bare):
    """In an MLSMessage."""
    return b"\x00\x01\x00\x05" + bare


def reference(bare):
    """The KeyPackageRef (RFC 9420 §5.2)."""
    return base64url(hashlib.sha256(vector(b"MLS 1.0 KeyPackage Reference") + vector(bare)).digest())


def base64url(data):
    """Without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def vector(data):
    """A byte string behind its variable-size length (RFC 9420 §2.1.2)."""
    length = len(data)
    return (bytes([length]) if length < 64 else (0x4000 | length).to_bytes(2, "big")) + data


def _words(words):
    return vector(b"".join(word.to_bytes(2, "big") for word in words))


def _hpke_key(key, seed):
    half = hashlib.sha256(seed.encode()).digest()
    return half if key.suite == 1 else b"\x04" + half + half


def _sign(key, label, content):
    return key.sign_mls(vector(b"MLS 1.0 " + label) + vector(content))
