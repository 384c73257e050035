"""Who is on the directory: users with clients whose keys are listed, and their signed requests (RFC 9421)."""

import base64
import hashlib
import itertools
import time
import urllib.parse

import requests

from mls import Key, framed, key_package, reference

DAY = 86_400
_numbers = itertools.count()


class Person:
    """A client of a user, with its key."""

    def __init__(self, user, client, key):
        self.user, self.client, self.key = user, client, key

    def addition(self, expires_at=None):
        """The body that adds this client's key."""
        public = base64.b64encode(self.key.public).decode()
        lines = ["key-package-directory add-key v1", self.user, self.client, public]
        message = "".join(f"{line}\n" for line in lines).encode()
        body = {
            "client": self.client,
            "scheme": self.key.scheme,
            "signature_key": public,
            "proof": base64.b64encode(self.key.sign_mls(message)).decode(),
        }
        return body if expires_at is None else {**body, "expires_at": expires_at}

    def package(self, seed, last_resort=False):
        """A KeyPackage of this client, valid from an hour ago for a month."""
        return key_package(self.user, self.key, f"{self.client}:{seed}", START - 3_600, START + 30 * DAY, last_resort)


class Signature(requests.auth.AuthBase):
    """Signs what is really sent: `requests` asks for it last."""

    def __init__(self, person):
        self.person = person

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = f"{urllib.parse.urlsplit(request.url).netloc.lower()}{request.path_url}"
        covered = {"@method": request.method, "@target-uri": f"http://{target}"}
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            covered["content-digest"] = request.headers["Content-Digest"] = f"sha-256=:{digest}:"
        if "idempotency-key" in headers:
            covered["idempotency-key"] = text(headers["idempotency-key"]).strip()
        names = " ".join(f'"{name}"' for name in covered)
        key = self.person.key
        parameters = (
            f'({names});created={int(time.time())};keyid="{self.person.user}#{key.id}"'
            f';alg="{key.http_algorithm}";nonce="n{next(_numbers)}-{START}"'
        )
        lines = [f'"{name}": {value}' for name, value in covered.items()]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = base64.b64encode(key.sign_http(base.encode("utf-8", "surrogateescape"))).decode()
        request.headers["Signature-Input"] = f"sig={parameters}"
        request.headers["Signature"] = f"sig=:{signature}:"
        return request


class Bearer(requests.auth.AuthBase):
    """The operator's token."""

    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Directory:
    """The server under test, as its clients know it."""

    def __init__(self, url, operator_token):
        self.url, self.operator = url, Bearer(operator_token)
        self.session = requests.Session()
        self.session.trust_env = False
        self.anchors, self.cast, self.published = {}, [], {}
        for name, schemes in CAST.items():
            user = f"acct:{name}@example.org"
            self.anchors[user] = anchor = Person(user, "anchor", Key(f"{user} anchor {START}"))
            self.post(f"/v1/users/{user}/keys", {**anchor.addition(), "enrolment_token": self.enrol(user)}, 201)
            for number, scheme in enumerate(schemes):
                person = Person(user, f"client-{number}", Key(f"{user} {number} {START}", scheme))
                self.add(person)
                self.cast.append(person)
        for person in self.cast:
            self.publish(person, [person.package(f"first-{number}", number == 0) for number in range(4)])

    def enrol(self, user):
        """Lets a user in, and returns the token for the first key."""
        return self.post("/v1/users", {"user": user}, 201, self.operator)["enrolment_token"]

    def add(self, person, expires_at=None):
        """Adds a client's key with the help of the user's anchor, which no generated request takes away."""
        by = Signature(self.anchors[person.user])
        return self.post(f"/v1/users/{person.user}/keys", person.addition(expires_at), 201, by)

    def passing(self, user, expires_at=None):
        """A new client of the user, to be changed or removed."""
        number = next(_numbers)
        person = Person(user, f"passing-{number}", Key(f"{user} passing {number} {START}"))
        self.add(person, expires_at)
        return person

    def publish(self, person, packages):
        """Publishes a batch."""
        items = [{"key_package": base64.b64encode(package).decode()} for package in packages]
        path = f"/v1/users/{person.user}/clients/{person.client}/key-packages"
        self.post(path, {"key_packages": items}, 201, Signature(person))
        self.note(person, packages)

    def note(self, person, packages):
        """Remembers what may be withdrawn."""
        self.published.setdefault((person.user, person.client), []).extend(map(reference, packages))

    def post(self, path, body, status, auth=None):
        """A request that the harness itself needs."""
        answer = self.session.post(self.url + path, json=body, auth=auth)
        if answer.status_code != status:
            raise SystemExit(f"POST {path} of the harness: {answer.status_code} {answer.text}")
        return answer.json()


def batch(dice, person):
    """KeyPackages to be published: new ones for the most part, bare or framed."""
    seeds = [dice.randrange(10**9) if dice.random() < 0.95 else dice.randrange(4) for _ in range(dice.randint(1, 3))]
    packages = [person.package(seed, dice.random() < 0.1) for seed in seeds]
    wrapped = [framed(package) if dice.random() < 0.3 else package for package in packages]
    return packages, {"key_packages": [{"key_package": base64.b64encode(it).decode()} for it in wrapped]}


def text(value):
    """A header's value, whatever `requests` was given."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


START = int(time.time())

CAST = {
    "alice": ["ed25519", "ed25519"],
    "bob": ["ed25519", "ecdsa_p256"],
    "carol": ["ed25519"],
}
