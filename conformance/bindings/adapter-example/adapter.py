"""An adapter: reads a question a line on standard input, and writes an answer a line on standard output.

`Directory` stands for your server; put in its place what speaks with yours, and keep the lower half. A question is

    {"id": 7, "operation": "claim", "endpoint": "…", "by": {"user": …, "client": …}, "proof": "good", "variables": {…}}

and its answer is one of

    {"id": 7, "ok": [records]}    {"id": 7, "refused": "reason"}    {"id": 7, "unexpected": "why"}
"""

import json
import sys


class Refused(Exception):
    """A refusal, by a reason that the suite knows (`kpd schema vector`, Reason)."""


class Directory:
    """A directory of one-time keys, in memory."""

    def __init__(self):
        self.users = {}  # user -> client -> what that client has stored

    def register(self, by, given):
        self.users.setdefault(given["user"], {})[given["client"]] = {"regular": [], "last_resort": None, "used": False, "seen": {}}
        return []

    add_client = register

    def own(self, by, given):
        client = self.users.get(given["user"], {}).get(given["client"])
        if client is None:
            raise Refused("unknown_client")
        if (by["user"], by["client"]) != (given["user"], given["client"]):
            raise Refused("forbidden")
        return client

    def publish(self, by, given):
        client, new = self.own(by, given), []
        if len(given["last_resorts"]) > 1:
            raise Refused("two_last_resorts")
        for item in given["key_packages"]:
            key, kind, before = item["key_package"], item["kind"], client["seen"].get(item["key_package"])
            if before == "used" or (before == "last_resort" and client["last_resort"] != key):
                raise Refused("already_used")
            if before not in (None, kind) or any(other["key_package"] == key and other["kind"] != kind for other in given["key_packages"]):
                raise Refused("role_conflict")
            if before is None and (key, kind) not in new:
                new.append((key, kind))
        for key, kind in new:  # all of them, or none
            client["seen"][key] = kind
            if kind == "last_resort":
                client["last_resort"], client["used"] = key, False
            else:
                client["regular"].append(key)
        return [{"accepted": len(given["key_packages"])}]

    def claim(self, by, given):
        if given["user"] not in self.users:
            raise Refused("unknown_user")
        records = []
        for name, client in self.users[given["user"]].items():
            if (given["user"], name) == (by["user"], by["client"]):
                continue  # nobody needs a key of itself
            if client["regular"]:
                key = client["regular"].pop(0)
                client["seen"][key] = "used"
                records.append({"client": name, "kind": "regular", "key_package": key})
            elif client["last_resort"]:
                client["used"] = True
                records.append({"client": name, "kind": "last_resort", "key_package": client["last_resort"]})
            else:
                records.append({"client": name, "kind": "exhausted"})
        return records

    def stock(self, by, given):
        client = self.own(by, given)
        last_resort = {"last_resort": True, "used": client["used"]} if client["last_resort"] else {}
        return [{"regular": len(client["regular"]), **last_resort}]

    def ready(self, by, given):
        return []


def answer(directory, question):
    operation = question["operation"]
    if question.get("method"):  # the same request by another HTTP method, which there is none of here
        return {"refused": "method_not_allowed"}
    if question.get("proof", "good") != "good":  # whoever asks does not show who it is
        return {"refused": "unauthenticated"}
    try:
        return {"ok": getattr(directory, operation)(question.get("by"), question.get("variables"))}
    except Refused as refused:
        return {"refused": str(refused)}
    except Exception as error:  # the suite shows this, and fails what it asked
        return {"unexpected": f"{operation}: {error!r}"}


def main():
    directory = Directory()
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps({"id": question["id"], **answer(directory, question)}), flush=True)


main()
