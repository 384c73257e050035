"""A small prekey service that nobody wrote for this suite: other paths, other names, another nesting, another way to log in.

    server.py start --port P --state DIR [--fault NAME]     starts it in the background, on what it had stored
    server.py kill --state DIR                              kills it

It keeps its promises unless it is given a fault: `sequential` (a key that was handed out can be stored again),
`racy` (two requests at once can be handed one key), `restart` (what was handed out is forgotten when it is killed).
"""

import argparse
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Refused(Exception):
    def __init__(self, status, code):
        self.status, self.code = status, code


class Store:
    """What it knows, all of it told by a list of events, which is also its file."""

    def __init__(self, path, fault):
        self.fault, self.lock = fault, threading.RLock()
        self.accounts, self.sessions, self.gadgets = {}, {}, {}
        self.path = path
        for line in path.read_text().splitlines() if path.exists() else []:
            self.apply(json.loads(line))
        self.file = path.open("a")

    def commit(self, event, kept=True):
        self.apply(event)
        if kept:
            self.file.write(json.dumps(event) + "\n")
            self.file.flush()

    def apply(self, event):
        kind = event["kind"]
        if kind == "gadget":
            self.accounts.setdefault(event["uid"], []).append(event["gadget"])
            self.sessions[event["token"]] = (event["uid"], event["gadget"])
            self.gadgets[event["gadget"]] = {"fresh": [], "spare": None, "lent": False, "seen": {}, "ledger": [], "last": 0}
        elif kind == "stored":
            gadget = self.gadgets[event["gadget"]]
            for item in event["items"]:
                if item["spare"]:
                    if gadget["spare"] != item["blob"]:
                        gadget["spare"], gadget["lent"] = item["blob"], False
                else:
                    gadget["fresh"].append(item["blob"])
                gadget["seen"][item["blob"]] = "spare" if item["spare"] else "fresh"
        elif kind == "drawn":
            for name, blob, spare in event["picks"]:
                gadget = self.gadgets[name]
                if not spare and blob in gadget["fresh"]:
                    gadget["fresh"].remove(blob)
                    gadget["seen"][blob] = "burnt"
                first = spare and not gadget["lent"]
                gadget["lent"] = gadget["lent"] or spare
                gadget["last"] += 1
                entry = {"no": gadget["last"], "sha": sha(blob), "to": event["by"], "spare": spare, "left": len(gadget["fresh"])}
                gadget["ledger"].append({**entry, "first": first} if spare else entry)
        elif kind == "cleared":
            gadget = self.gadgets[event["gadget"]]
            gadget["ledger"] = [entry for entry in gadget["ledger"] if entry["no"] > event["upto"]]

    def add_gadget(self, uid):
        token, gadget = secrets.token_hex(16), "g-" + secrets.token_hex(4)
        self.commit({"kind": "gadget", "uid": uid, "gadget": gadget, "token": token})
        return {"uid": uid, "gadget": gadget, "session": {"token": token}}

    def put(self, name, items):
        gadget = self.gadgets[name]
        spares = [item for item in items if item["spare"]]
        if len(spares) > 1:
            raise Refused(422, "ONE-SPARE-ONLY")
        new = []
        for item in items:
            before = gadget["seen"].get(item["blob"])
            if self.fault == "sequential" and before == "burnt":
                before = None
            role = "spare" if item["spare"] else "fresh"
            if before == "burnt" or (before == "spare" and gadget["spare"] != item["blob"]):
                raise Refused(409, "BURNT")
            if before not in (None, role) or any(item["blob"] == other["blob"] and other["spare"] != item["spare"] for other in items):
                raise Refused(409, "OTHER-ROLE")
            if before is None and item not in new:
                new.append(item)
        if new:
            self.commit({"kind": "stored", "gadget": name, "items": new})
        return {"stored": len(items)}

    def draw(self, by, uid):
        uid_of, own = by
        if uid not in self.accounts:
            raise Refused(404, "NOBODY")
        picks, drawn = [], {}
        for name in self.accounts[uid]:
            if name == own:
                continue
            gadget = self.gadgets[name]
            if gadget["fresh"]:
                picks.append((name, gadget["fresh"][0], False))
            elif gadget["spare"]:
                picks.append((name, gadget["spare"], True))
            else:
                drawn[name] = {}
        if self.fault == "racy":
            time.sleep(0.002)
        for name, blob, spare in picks:
            drawn[name] = {"role": "spare" if spare else "fresh", "blob": blob}
        if picks:
            with self.lock:
                self.commit({"kind": "drawn", "by": uid_of, "picks": picks}, kept=self.fault != "restart")
        return {"drawn": drawn}


def sha(blob):
    return hashlib.sha256(bytes.fromhex(blob)).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        body = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} {'Fine' if status < 400 else 'No'}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raise Refused(411, "LENGTH")
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            return json.loads(text) if text else {}
        except ValueError:
            raise Refused(400, "GARBAGE") from None

    def who(self):
        session = self.server.store.sessions.get(self.headers.get("X-Courier-Session", ""))
        if not session:
            raise Refused(401, "WHO")
        return session

    def handle_one(self):
        path, _, query = self.path.partition("?")
        body, parts, store = self.body(), path.strip("/").split("/"), self.server.store
        if self.command == "GET" and path == "/alive":
            return 200, {"alive": True}
        if self.command == "POST" and path == "/signup":
            with store.lock:
                return 201, store.add_gadget(body["handle"] + "-" + secrets.token_hex(2))
        uid, gadget = self.who()
        if self.command == "POST" and len(parts) == 3 and parts[0] == "bundles" and parts[2] == "draw":
            if store.fault == "racy":
                return 200, store.draw((uid, gadget), parts[1])
            with store.lock:
                return 200, store.draw((uid, gadget), parts[1])
        with store.lock:
            if self.command == "POST" and path == "/gadgets":
                return 201, store.add_gadget(uid)
            if len(parts) < 2 or parts[1] != gadget:
                raise Refused(403, "NOT-YOURS") if len(parts) == 2 else Refused(405, "HOW")
            own = store.gadgets[gadget]
            if self.command == "PUT" and parts[0] == "bundles":
                return 200, store.put(gadget, body["prekeys"])
            if self.command == "GET" and parts[0] == "level":
                level = {"fresh": len(own["fresh"])} if own["fresh"] else {}
                return 200, {"level": {**level, **({"spare": "lent" if own["lent"] else "kept"} if own["spare"] else {})}}
            if self.command == "GET" and parts[0] == "ledger":
                since = int(query.partition("=")[2] or 0)
                return 200, {"lines": [entry for entry in own["ledger"] if entry["no"] > since]}
            if self.command == "POST" and parts[0] == "ledger":
                store.commit({"kind": "cleared", "gadget": gadget, "upto": body["upto"]})
                return 200, {}
        raise Refused(405, "HOW")

    def do(self):
        try:
            self.answer(*self.handle_one())
        except Refused as refused:
            self.answer(refused.status, {"fault": {"code": refused.code}})
        except (KeyError, TypeError, ValueError) as error:
            self.answer(422, {"fault": {"code": "SHAPE", "detail": repr(error)}})

    do_GET = do_POST = do_PUT = do_DELETE = do


class Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size, allow_reuse_address = True, 128, True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("do", choices=["start", "serve", "kill"])
    parser.add_argument("--port", type=int)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--fault", default="none", choices=["none", "sequential", "racy", "restart"])
    given = parser.parse_args()
    pid = given.state / "pid"
    if given.do == "kill":
        os.kill(int(pid.read_text()), signal.SIGKILL)
    elif given.do == "start":
        given.state.mkdir(parents=True, exist_ok=True)
        serve = [sys.executable, __file__, "serve", *sys.argv[2:]]
        nothing = subprocess.DEVNULL
        child = subprocess.Popen(serve, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
        pid.write_text(str(child.pid))
    else:
        server = Server(("127.0.0.1", given.port), Handler)
        server.store = Store(given.state / "events", given.fault)
        server.serve_forever()


main()
