"""Schemathesis' hooks: every request is prepared and signed here, and every answer counted."""

import atexit
import collections
import json
import os
import random

import schemathesis
from hypothesis import strategies as st

from people import Directory
from plans import prepare

DICE = "x-dice"

directory = Directory(os.environ["KPD_URL"], os.environ["KPD_OPERATOR_TOKEN"])
answers = collections.defaultdict(collections.Counter)
drawn = collections.defaultdict(collections.Counter)
reasons = collections.defaultdict(collections.Counter)
# Generated cases that are under way; the others are written down to reach a boundary, and mostly to be refused.
_drawn = set()
unplanned = random.Random(int(os.environ.get("KPD_SEED", "1")))


@schemathesis.hook
def before_generate_case(context, strategy):
    """Each generated request brings its dice with it, so that the same one is prepared in the same way again."""

    def with_dice(case_and_number):
        case, number = case_and_number
        case.headers[DICE] = str(number)
        return case

    return st.tuples(strategy, st.integers(0, 2**32 - 1)).map(with_dice)


@schemathesis.hook
def before_call(context, case, kwargs):
    number = case.headers.pop(DICE, None) if case.headers else None
    dice = random.Random(int(number)) if number is not None else unplanned
    # A stream of events never ends: of an operation that has both, the document is asked for.
    if streams(case.operation):
        case.headers["Accept"] = "application/json"
    for name in WAITS:
        if name in (case.query or {}):
            case.query[name] = 0
    auth = prepare(case, dice, directory, number is not None)
    if case.body is not None and isinstance(case.body, dict) and not case.media_type:
        case.media_type = "application/json"
    if number is not None:
        _drawn.add(id(case))
    # It goes last over the request, so that neither a configured nor a generated header takes its place.
    kwargs["auth"] = auth or (lambda request: request)


@schemathesis.hook
def after_call(context, case, response):
    operation = f"{case.method.upper()} {case.path}"
    answers[operation][response.status_code] += 1
    if id(case) in _drawn:
        _drawn.discard(id(case))
        drawn[operation][response.status_code] += 1
    if response.status_code == 401:
        reasons[operation][reason(response)] += 1


def reason(response):
    """Why a request was nobody's."""
    try:
        problem = json.loads(response.content)
    except ValueError:
        return "no problem"
    return problem.get("reason") or problem.get("type", "no type")


def streams(operation):
    """Whether the operation can answer with a stream of events."""
    responses = operation.definition.raw.get("responses", {}).values()
    return any("text/event-stream" in response.get("content", {}) for response in responses)


@atexit.register
def write_answers():
    with open(os.environ["KPD_ANSWERS"], "w", encoding="utf-8") as file:
        told = {"answers": answers, "drawn": drawn, "reasons": reasons}
        json.dump(told, file, indent=1)


# How long an answer may be waited for: a harness has no time to wait.
WAITS = ("wait", "wait_seconds", "timeout", "timeout_seconds")
