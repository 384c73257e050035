"""Cases and successes of each operation; fails where an operation was not tried, or hardly ever succeeded."""

import json
import sys

# The least share of successes of an operation among what is generated for it: a fuzzer that sees refusals alone proves nothing.
FLOOR = 0.25
# Those that get less, with the reason.
LOWER = {
    # The server under test keeps its histories in memory, so that it does not write a backup for each request.
    "POST /v1/operator/backups": 0,
}


def main(document_path, answers_path, cases_min):
    with open(document_path, encoding="utf-8") as file:
        document = json.load(file)
    with open(answers_path, encoding="utf-8") as file:
        told = json.load(file)
    answers, reasons = told["answers"], told["reasons"]
    methods = {"get", "post", "put", "patch", "delete", "head", "options"}
    faults, total = [], 0
    print(f"{'cases':>6} {'2xx':>5}  operation, and its statuses")
    for path, item in sorted(document["paths"].items()):
        for method in sorted(methods & set(item)):
            operation = f"{method.upper()} {path}"
            statuses = answers.get(operation, {})
            cases = sum(statuses.values())
            generated = told["drawn"].get(operation, {})
            good = sum(count for status, count in generated.items() if status[0] in "23")
            share = good / sum(generated.values()) if generated else 0.0
            total += cases
            listed = " ".join(f"{status}:{count}" for status, count in sorted(statuses.items()))
            why = " ".join(f"{reason}:{count}" for reason, count in sorted(reasons.get(operation, {}).items()))
            print(f"{cases:>6} {share:>5.0%}  {operation}  {listed}{f'  (401: {why})' if why else ''}")
            if only_streams(item[method]):
                continue
            floor = LOWER.get(operation, FLOOR)
            if share < floor or (floor and not good):
                faults.append(f"{operation}: {good} of {sum(generated.values())} generated ones succeeded, where {floor:.0%} are asked for")
    print(f"{total:>6}        in all")
    if total < cases_min:
        faults.append(f"{total} cases, where {cases_min} are asked for")
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


def only_streams(operation):
    """An operation without any other answer than a stream of events is left out."""
    good = [it for status, it in operation["responses"].items() if status[0] == "2"]
    return bool(good) and all(set(it.get("content", {})) == {"text/event-stream"} for it in good)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
