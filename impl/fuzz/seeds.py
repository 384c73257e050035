#!/usr/bin/env python3
"""Writes the first inputs of the fuzz targets; `cargo fuzz cmin` makes the corpus of them and of what fuzzers found.

    PYTHONPATH=impl/server/tests/schemathesis python3 impl/fuzz/seeds.py impl/fuzz/corpus
"""

import base64
import hashlib
import json
import pathlib
import sys

import mls
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BOB = "acct:bob@example.org"
STORED = next(pathlib.Path(__file__).parent.glob("../server/src/store/durable/snapshots/*bytes.snap"))
HOST = "directory.example.org"
# Valid for openmls, which reads the clock, for as long as anybody will fuzz this.
LIFETIME = (1_500_000_000, 4_000_000_000)


class ListedKey(mls.Key):
    """The one of impl/server/src/fuzzing.rs."""

    def __init__(self):
        self.scheme, self.http_algorithm, self.suite = "ed25519", "ed25519", 1
        self._secret = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
        self.public = self._secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def main(corpus):
    key = ListedKey()
    package = mls.key_package(BOB, key, "a", *LIFETIME)
    last_resort = mls.key_package(BOB, key, "z", *LIFETIME, last_resort=True)
    p256 = mls.key_package(BOB, mls.Key("p256", "ecdsa_p256"), "b", *LIFETIME)
    write(corpus, "key_package", [package, last_resort, p256, mls.framed(package), mls.framed(p256), package[:-1]])
    write(corpus, "signature", [
        signed(key, "GET", f"/v1/users/{BOB}/blocks", {}, b""),
        signed(key, "POST", f"/v1/users/{BOB}/claims", {"idempotency-key": "one"}, b"{}"),
        signed(key, "GET", f"/v1/users/{BOB}/keys?history=true", {}, b"", ["@method", "@authority", "@path", "@query"]),
        signed(key, "POST", "/", {"x-more": "a, b"}, b"{}", ["x-more", "@scheme", "@request-target", "@path",
            "content-digest", "@method", "@target-uri"], ';tag="t";expires=4000000000'),
        b"POST /\nsignature-input: a=(\"@method\";req);created=1;keyid=\"x\"\nsignature: a=:AAAA:\n\n",
    ])
    write(corpus, "store_log", logs())
    # Each five bytes: where, and what is changed there; 0 cuts the file.
    write(corpus, "store_file", [b"", bytes(5), b"\0\0\0\x20\1", b"\0\0\x20\x10\x40", b"\0\0\x40\0\0", b"\0\0\x30\5\7"])
    write(corpus, "requests", rows(key, package, last_resort))


def logs():
    """One event of each kind, as a test has pinned them, and two histories that are spoilt."""
    pinned = STORED.read_text().split("---", 2)[2].splitlines()
    events = [bytes.fromhex(line.strip()) for name, line in zip(pinned, pinned[1:]) if name.startswith("event ")]
    between = b"\xfe\xff"
    return [between.join(events), events[4], between.join([events[0], events[5][:-1]]), b"\2" + events[0][1:]]


def rows(key, package, last_resort):
    """Requests in a row, such that each operation succeeds somewhere."""
    own = f"/v1/users/{BOB}/clients/bob-phone"
    one, other, last = (base64.b64encode(it).decode() for it in (package, mls.framed(package), last_resort))
    batch = {"key_packages": [{"key_package": one}, {"key_package": last, "role": "last_resort"}]}
    references = {"references": [mls.reference(package), "A" * 43]}
    tablet = mls.Key("tablet")
    public = base64.b64encode(tablet.public).decode()
    proof = tablet.sign_mls(f"key-package-directory add-key v1\n{BOB}\nbob-tablet\n{public}\n".encode())
    addition = {"client": "bob-tablet", "scheme": "ed25519", "signature_key": public,
                "proof": base64.b64encode(proof).decode(), "expires_at": 4_000_000_000}
    add = ("POST", f"/v1/users/{BOB}/keys", addition)
    publish = ("POST", f"{own}/key-packages", batch)
    claim = ("POST", f"/v1/users/{BOB}/claims\nidempotency-key: one", {"cipher_suites": [1], "last_resort": "accept"})
    inventory = ("GET", f"{own}/key-packages", None)
    block = {"requester": "acct:eve@example.net"}
    yield row(publish, claim, claim, inventory, ("GET", f"{own}/notifications?after=0", None),
              ("POST", f"{own}/notifications/acknowledgements", {"through": 0}), ("GET", f"{own}/stock", None))
    yield row(publish, ("POST", f"{own}/key-packages/withdrawals", references), publish, inventory)
    yield row(publish, ("PUT", f"{own}/key-packages", {"key_packages": [{"key_package": other}]}), claim, claim)
    yield row(add, ("PATCH", f"/v1/users/{BOB}/keys/{tablet.id}", {"expires_at": 4_000_000_001}),
              ("GET", f"/v1/users/{BOB}/keys?history=true", None), ("DELETE", f"/v1/users/{BOB}/keys/{tablet.id}", None),
              ("GET", f"/v1/users/{BOB}/verify?signature_key={mls.base64url(key.public)}&at=1", None))
    yield row(add, ("DELETE", f"/v1/users/{BOB}/clients/bob-tablet", None), add, ("GET", f"/v1/users/{BOB}/keys", None))
    yield row(("POST", f"/v1/users/{BOB}/blocks", block), ("POST", f"/v1/users/{BOB}/blocks", {"server": "example.org"}),
              ("GET", f"/v1/users/{BOB}/blocks", None), claim,
              ("DELETE", f"/v1/users/{BOB}/blocks?requester=acct:eve@example.net", None))
    yield row(("POST", "/v1/users", {"user": "acct:new@example.org"}), ("GET", "/v1/policy", None),
              ("GET", "/healthz", None), ("GET", "/problems/busy", None), ("GET", "/openapi.json", None))
    yield row(("GET", f"/.well-known/webfinger?resource={BOB}", None), ("GET", "/readyz", None),
              ("POST", "/v1/operator/backups", None))


def row(*requests):
    """Separated by a byte that no text has."""
    text = lambda body: b"" if body is None else json.dumps(body).encode()
    return b"\xff".join(f"{method} {head}\n\n".encode() + text(body) for method, head, body in requests)


def signed(key, method, target, headers, body, covered=None, more=""):
    """A request with a signature that is good for ever."""
    if body:
        headers["content-digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    path, _, query = target.partition("?")
    values = {**headers, "@method": method, "@target-uri": f"http://{HOST}{target}", "@authority": HOST, "@path": path,
              "@query": f"?{query}", "@scheme": "http", "@request-target": target}
    covered = covered or ["@method", "@target-uri", *headers]
    names = " ".join(f'"{name}"' for name in covered)
    parameters = f'({names});created=1700000000;keyid="{BOB}#{key.id}";nonce="n"{more}'
    base = "".join(f'"{name}": {values[name]}\n' for name in covered) + f'"@signature-params": {parameters}'
    headers["signature-input"] = f"sig={parameters}"
    headers["signature"] = f"sig=:{base64.b64encode(key.sign_http(base.encode())).decode()}:"
    lines = "".join(f"{name}: {value}\n" for name, value in headers.items())
    return f"{method} {target}\n{lines}\n".encode() + body


def write(corpus, target, inputs):
    directory = pathlib.Path(corpus) / target
    directory.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (directory / hashlib.sha1(data).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1])
