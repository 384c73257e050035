"""What makes a generated request one that can succeed: real names, keys and KeyPackages in the places for them."""

import base64

from mls import Key, base64url
from people import START, Bearer, Person, Signature, batch


def place_names(case, dice, person):
    """Existing names in the path, found by the names of their parameters; now and then one that nobody has."""
    names = {"user": person.user, "client": person.client, "id": person.key.id, "kind": dice.choice(PROBLEMS)}
    if dice.random() < 0.04:
        names.update(dice.choice([{"user": "acct:nobody@example.org"}, {"client": "nowhere"}, {"id": "A" * 43}]))
    for name in names.keys() & case.path_parameters.keys():
        case.path_parameters[name] = names[name]


def place_query(case, dice, person):
    """Values that mean something in the query, found by the names of their parameters."""
    known = {
        "signature_key": base64url(person.key.public),
        "resource": person.user,
        "at": START + dice.randrange(1_000),
        "after": dice.randrange(10),
        "history": dice.choice(["true", "false"]),
    }
    for name in sorted(known.keys() & (case.query or {}).keys()):
        if dice.random() < 0.8:
            case.query[name] = known[name]


def extend_key(case, dice, directory, person):
    expires_at = START + 10_000
    passing = directory.passing(person.user, expires_at)
    case.path_parameters["id"] = passing.key.id
    case.body = {"expires_at": expires_at + dice.randrange(-10, 1_000)}


def remove_key(case, dice, directory, person):
    case.path_parameters["id"] = directory.passing(person.user).key.id


def remove_client(case, dice, directory, person):
    case.path_parameters["client"] = directory.passing(person.user).client


def add_key(case, dice, directory, person):
    number = dice.randrange(10**9)
    new = Person(person.user, f"new-{number}", Key(f"new {number} {START}", dice.choice(["ed25519", "ecdsa_p256"])))
    if dice.random() < 0.3:
        user = f"acct:new-{number}@example.org"
        answer = directory.session.post(f"{directory.url}/v1/users", json={"user": user}, auth=directory.operator)
        if answer.status_code == 201:
            case.path_parameters["user"] = user
            new = Person(user, new.client, new.key)
            case.body = {**new.addition(), "enrolment_token": answer.json()["enrolment_token"]}
            return
    case.body = new.addition(START + 20_000 if dice.random() < 0.5 else None)


def enrol(case, dice, directory, person):
    case.body = {"user": f"acct:enrolled-{dice.randrange(10**9)}@example.org"}


def publish(case, dice, directory, person):
    packages, case.body = batch(dice, person)
    directory.note(person, packages)


def withdraw(case, dice, directory, person):
    published = directory.published.get((person.user, person.client), ["A" * 43])
    case.body = {"references": sorted(set(dice.choices(published, k=dice.randint(1, 3))))}


def claim(case, dice, directory, person):
    case.body = dice.choice([{}, {"cipher_suites": [1, 2]}, {"cipher_suites": [2]}, {"last_resort": "refuse"}])
    if case.headers and "idempotency-key" in case.headers:
        case.headers["idempotency-key"] = f"key-{dice.randrange(50)}"


def block(case, dice, directory, person):
    number = dice.randrange(20)
    case.body = dice.choice([{"requester": f"acct:eve-{number}@example.net"}, {"server": f"s{number}.example.net"}])


def unblock(case, dice, directory, person):
    number = dice.randrange(20)
    case.query = dice.choice([{"requester": f"acct:eve-{number}@example.net"}, {"server": f"s{number}.example.net"}])


def acknowledge(case, dice, directory, person):
    case.body = {"through": 0 if dice.random() < 0.7 else dice.randrange(5)}


def find_user(case, dice, directory, person):
    case.query = {**case.query, "resource": person.user}


def verify(case, dice, directory, person):
    key = person.key.public if dice.random() < 0.8 else base64.b64decode("A" * 43 + "=")
    case.query = {**case.query, "signature_key": base64url(key)}
    if "at" in case.query and dice.random() < 0.8:
        case.query["at"] = START + dice.randrange(1_000)


PROBLEMS = ["not-owner", "already-used", "busy", "malformed", "rate-limited"]

# What an operation needs besides names; one that is not here gets these alone, and its generated body.
NEEDS = {
    ("POST", "/v1/users"): enrol,
    ("POST", "/v1/users/{user}/keys"): add_key,
    ("PATCH", "/v1/users/{user}/keys/{id}"): extend_key,
    ("DELETE", "/v1/users/{user}/keys/{id}"): remove_key,
    ("GET", "/v1/users/{user}/verify"): verify,
    ("DELETE", "/v1/users/{user}/clients/{client}"): remove_client,
    ("POST", "/v1/users/{user}/clients/{client}/key-packages"): publish,
    ("PUT", "/v1/users/{user}/clients/{client}/key-packages"): publish,
    ("POST", "/v1/users/{user}/clients/{client}/key-packages/withdrawals"): withdraw,
    ("POST", "/v1/users/{user}/clients/{client}/notifications/acknowledgements"): acknowledge,
    ("POST", "/v1/users/{user}/claims"): claim,
    ("POST", "/v1/users/{user}/blocks"): block,
    ("DELETE", "/v1/users/{user}/blocks"): unblock,
    ("GET", "/.well-known/webfinger"): find_user,
}

# What ends a key. Aimed at one of the cast, it would have nobody left whose signature holds: it always meets the passing.
ENDING = {
    ("DELETE", "/v1/users/{user}/keys/{id}"),
    ("DELETE", "/v1/users/{user}/clients/{client}"),
}


def prepare(case, dice, directory, generated):
    """Makes most requests ones that can succeed; returns how this one is to be signed.

    Of those that are not generated, but written down to reach a boundary, it places the names in the path alone.
    """
    person = dice.choice(directory.cast)
    operation = (case.method.upper(), case.path)
    if dice.random() < 0.85:
        place_names(case, dice, person)
        needs = NEEDS.get(operation)
        if generated and dice.random() < 0.85:
            place_query(case, dice, person)
            if needs:
                needs(case, dice, directory, person)
        elif operation in ENDING:
            needs(case, dice, directory, person)
    return author(case, dice, directory, person)


def author(case, dice, directory, person):
    """Whoever the document asks for; now and then somebody else, or nobody."""
    schemes = {name for one in case.operation.definition.raw.get("security") or [] for name in one}
    luck = dice.random()
    if not schemes or luck < 0.03:
        return None
    if "operator" in schemes:
        return directory.operator if luck > 0.06 else Bearer("wrong")
    is_claim = (case.method.upper(), case.path) == ("POST", "/v1/users/{user}/claims")
    stranger = dice.choice(directory.cast)
    return Signature(stranger if is_claim or luck < 0.1 else person)
