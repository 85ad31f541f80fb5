"""What schemathesis does to the requests that it makes up for crates/ies/tests/schemathesis.rs.

Nearly all of them would carry the same few idempotency keys, and most would be refused as reused
before anything else about them was looked at. So in the fuzzing phase an allowed key becomes one
of its own, but for the long ones, which stay as they were made up. The coverage phase is left
alone: it takes headers away, and a changed case would get them back.
"""

import itertools
import re

import schemathesis

ALLOWED = re.compile(r"[!#-~][!-~]{0,99}|\"([!#-\[\]-~]|\\[\"\\]){1,100}\"")
NUMBERS = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    fuzzing = case.meta is not None and case.meta.phase.name.value == "fuzzing"
    headers = case.headers
    if not fuzzing or headers is None:
        return
    key = headers.get("Idempotency-Key")
    if isinstance(key, str) and ALLOWED.fullmatch(key):
        headers["Idempotency-Key"] = f'"made-up-{next(NUMBERS)}"'
