#!/usr/bin/env python3
"""What the known failures say of Synapse, shown against its API without the suite: requests of Python's library alone.

    synapse_by_hand.py [--url http://127.0.0.1:18008] [NAME ...]

Each function below is one finding; the text that it prints is what was seen. Signatures are made up: Synapse leaves it to
clients to check them.
"""

import argparse
import base64
import json
import os
import random
import subprocess
import threading
import time
import urllib.error
import urllib.request

URL = "http://127.0.0.1:18008"
ALGORITHM = "signed_curve25519"


def ask(method, path, body=None, token=None):
    request = urllib.request.Request(URL + "/_matrix/client/v3" + path, method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


class Device:
    """A new user with one device."""

    def __init__(self, name):
        body = {
            "username": name + "-" + os.urandom(5).hex(),
            "password": "by hand, by hand",
            "device_id": "phone",
            "auth": {"type": "m.login.dummy"},
        }
        status, answer = ask("POST", "/register", body)
        assert status == 200, answer
        self.user, self.token = answer["user_id"], answer["access_token"]

    def key(self, fallback=False):
        text = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        made = {"key": text, "signatures": {self.user: {"ed25519:phone": "made up"}}}
        return made | ({"fallback": True} if fallback else {})

    def upload(self, one_time=None, fallback=None):
        named = lambda keys: {f"{ALGORITHM}:{name}": key for name, key in (keys or {}).items()}
        return ask("POST", "/keys/upload", {"one_time_keys": named(one_time), "fallback_keys": named(fallback)}, self.token)

    def count(self):
        return ask("POST", "/keys/upload", {}, self.token)[1]["one_time_key_counts"].get(ALGORITHM, 0)

    def claim(self, of):
        """The name and the key that is granted; nothing, where none is."""
        body = {"one_time_keys": {of.user: {"phone": ALGORITHM}}}
        status, answer = ask("POST", "/keys/claim", body, self.token)
        assert status == 200, answer
        granted = answer["one_time_keys"].get(of.user, {}).get("phone", {})
        return next(iter(granted.items()), (None, {}))


def contention():
    """Claims at once are told that nothing is left, or get the fallback key, while one-time keys are there."""
    for lanes, with_fallback in ((8, True), (8, False), (2, True)):
        alice, claimers = Device("alice"), [Device("bob") for _ in range(lanes)]
        alice.upload({f"a{number}": alice.key() for number in range(100)}, {"z": alice.key(True)} if with_fallback else {})
        gate, seen = threading.Barrier(len(claimers)), []

        def go_on(claimer):
            for _ in range(40 // lanes):
                gate.wait()
                name, key = claimer.claim(alice)
                seen.append("nothing" if name is None else "fallback" if key.get("fallback") else name)

        threads = [threading.Thread(target=go_on, args=(claimer,)) for claimer in claimers]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        granted = [name for name in seen if name not in ("nothing", "fallback")]
        print(
            f"  100 one-time keys {'and a' if with_fallback else 'without'} fallback key, 40 claims, {lanes} at a time: "
            f"{len(granted)} one-time keys ({len(set(granted))} different), {seen.count('fallback')} times the fallback key, "
            f"{seen.count('nothing')} times nothing; {alice.count()} are left"
        )


def upload_amid_claim():
    """A claim looks for one-time keys first and for the fallback key later; what is uploaded between is passed over."""
    alice, bob, carol, others = Device("alice"), Device("bob"), Device("carol"), [Device("dave") for _ in range(6)]
    rounds, passed_over, over = 400, 0, threading.Event()

    def keep_busy(device):
        while not over.is_set():
            device.claim(carol)

    busy = [threading.Thread(target=keep_busy, args=(device,)) for device in others]
    [thread.start() for thread in busy]
    for number in range(rounds):
        gate, fallback = threading.Barrier(2), f"z{number}"

        def upload():
            gate.wait()
            time.sleep(random.random() / 50)
            alice.upload({f"a{number}": alice.key()}, {fallback: alice.key(True)})

        thread = threading.Thread(target=upload)
        thread.start()
        gate.wait()
        name, _ = bob.claim(alice)
        thread.join()
        # The fallback key of this upload, though its one-time key came before it and is there still.
        passed_over += name == f"{ALGORITHM}:{fallback}" and alice.count() == 1
        while alice.count():
            bob.claim(alice)
    over.set()
    [thread.join() for thread in busy]
    print(f"  {rounds} uploads of a one-time key and a new fallback key, each beside one claim: {passed_over} times the claim got "
          f"the new fallback key while the one-time key was left")


def replaced_amid_claim():
    """A claim of a fallback key that is replaced at the same moment is answered with an error."""
    alice, claimers = Device("alice"), [Device("bob") for _ in range(4)]
    alice.upload(fallback={"z": alice.key(True)})
    rounds, answers, over = 300, {}, threading.Event()

    def claim_on(device):
        body = {"one_time_keys": {alice.user: {"phone": ALGORITHM}}}
        while not over.is_set():
            status, answer = ask("POST", "/keys/claim", body, device.token)
            said = status if status == 200 else f"{status} {answer.get('error')}"
            answers[said] = answers.get(said, 0) + 1

    busy = [threading.Thread(target=claim_on, args=(device,)) for device in claimers]
    [thread.start() for thread in busy]
    for number in range(rounds):
        alice.upload(fallback={f"z{number}": alice.key(True)})
        time.sleep(random.random() / 50)
    over.set()
    [thread.join() for thread in busy]
    print(f"  {rounds} replacements of the fallback key, while four claim it: {answers}")


def upload_amid_kill():
    """An upload that a crash interrupts is stored by half: the one-time key without the fallback key (uses synapse.sh)."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "synapse.sh")
    bob, rounds, stored = Device("bob"), 6, {"whole": 0, "not at all": 0, "one-time key alone": 0, "fallback key alone": 0}
    for _ in range(rounds):
        devices, unanswered = [Device("alice") for _ in range(20)], []
        gate = threading.Barrier(len(devices) + 1)

        def upload(device):
            gate.wait()
            try:
                device.upload({"a": device.key()}, {"z": device.key(True)})
            except OSError:
                unanswered.append(device)

        threads = [threading.Thread(target=upload, args=(device,)) for device in devices]
        [thread.start() for thread in threads]
        gate.wait()
        time.sleep(0.02 + random.random() / 10)
        subprocess.run([script, "kill"], check=True)
        [thread.join() for thread in threads]
        subprocess.run([script, "start"], check=True)
        for device in unanswered:
            kept = {name for name, _ in (bob.claim(device), bob.claim(device)) if name}
            both = {f"{ALGORITHM}:a", f"{ALGORITHM}:z"}
            alone = "one-time key alone" if kept == {f"{ALGORITHM}:a"} else "fallback key alone"
            stored["whole" if kept == both else alone if kept else "not at all"] += 1
    print(f"  {rounds} times kill -9 while 20 devices upload one key of each kind; of the uploads without an answer: {stored}")


def again_after_grant():
    """A key that was claimed is uploaded again, and granted again."""
    alice, bob, carol = Device("alice"), Device("bob"), Device("carol")
    key = alice.key()
    alice.upload({"a1": key})
    first, again, second = bob.claim(alice), alice.upload({"a1": key}), carol.claim(alice)
    print(f"  bob got {first[0]}; uploaded again: {again[0]} {again[1]}; carol got the same key: {first == second}")


def replaced_fallback():
    """A fallback key that was replaced is uploaded again, and takes the place of the newer one."""
    alice, bob = Device("alice"), Device("bob")
    old, new = alice.key(True), alice.key(True)
    steps = [alice.upload(fallback={name: key})[0] for name, key in (("z1", old), ("z2", new), ("z1", old))]
    print(f"  uploads of z1, z2, z1: {steps}; bob got {bob.claim(alice)[0]}")


def two_fallbacks():
    """Two fallback keys of one algorithm in one upload are taken, and one of them is thrown away."""
    alice, bob = Device("alice"), Device("bob")
    upload = alice.upload(fallback={"z1": alice.key(True), "z2": alice.key(True)})
    print(f"  upload of z1 and z2: {upload[0]} {upload[1]}; bob got {bob.claim(alice)[0]}")


def both_roles():
    """One key is taken as a one-time key and as the fallback key."""
    alice, bob = Device("alice"), Device("bob")
    key = alice.key()
    upload = alice.upload({"a1": key}, {"z": key | {"fallback": True}})
    first, second = bob.claim(alice), bob.claim(alice)
    print(f"  upload: {upload[0]}; bob got the key of both: {first[1]['key'] == second[1]['key'] == key['key']}")


def unknown_user():
    """A claim of a user that does not exist succeeds, as the specification has it."""
    bob = Device("bob")
    body = {"one_time_keys": {"@nobody-is-called-so:" + bob.user.split(":")[1]: {"phone": ALGORITHM}}}
    print(f"  {ask('POST', '/keys/claim', body, bob.token)}")


def own_device():
    """A device that names itself is granted its own key, which is gone then."""
    alice = Device("alice")
    alice.upload({"a1": alice.key()})
    print(f"  it got {alice.claim(alice)[0]}; {alice.count()} are left")


def restored():
    """What was granted after a backup is granted again once that backup is put back (uses synapse.sh)."""
    alice, bob, carol = Device("alice"), Device("bob"), Device("carol")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "synapse.sh")
    alice.upload({"a1": alice.key()})
    subprocess.run([script, "snapshot"], check=True)
    first = bob.claim(alice)
    subprocess.run([script, "restore"], check=True)
    second = carol.claim(alice)
    print(f"  bob got {first[0]}; after the restore carol got the same key: {first == second}")


def stale_count():
    """An initial /sync that is asked again tells of keys that are gone, for two minutes."""
    alice, bob = Device("alice"), Device("bob")
    alice.upload({"a1": alice.key()})
    told = lambda path: ask("GET", path, token=alice.token)[1]["device_one_time_keys_count"][ALGORITHM]
    before = told("/sync?timeout=0")
    bob.claim(alice)
    print(f"  /sync: {before}, after a claim {told('/sync?timeout=0')}; /keys/upload then: {alice.count()}, "
          f"/sync with another timeout: {told('/sync?timeout=1')}")


FINDINGS = [contention, upload_amid_claim, replaced_amid_claim, upload_amid_kill, again_after_grant, replaced_fallback, two_fallbacks, both_roles, unknown_user, own_device, restored, stale_count]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Shows what the known failures say of Synapse.")
    parser.add_argument("names", nargs="*", choices=[*(finding.__name__ for finding in FINDINGS), []])
    parser.add_argument("--url", default=URL)
    arguments = parser.parse_args()
    URL = arguments.url
    for finding in FINDINGS:
        if not arguments.names or finding.__name__ in arguments.names:
            print(f"{finding.__name__}: {finding.__doc__}")
            finding()
