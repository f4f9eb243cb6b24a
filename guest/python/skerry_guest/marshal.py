"""JSON as Lambda's Python runtimes read and write it.

AWS's runtime uses simplejson with support for Decimal (lambda_runtime_marshaller.py); this does the
same with the standard library.
"""

import json
import math
import os
import sys

#: Stands for a Decimal until the text is finished; random, so that no customer's text looks like it.
_token = "decimal-" + os.urandom(16).hex() + ":"

#: Up to Python 3.11 what is not ASCII was escaped; since 3.12 it is not (developer guide, Python 3.12).
_escapes_below = (3, 12)


class _Encoder(json.JSONEncoder):
    found_decimal = False

    def default(self, value):
        # Whoever has a Decimal has loaded the module.
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(value, decimal.Decimal):
            if value.is_nan():
                return math.nan
            self.found_decimal = True
            return _token + str(value)
        return super().default(value)


def to_json(value):
    encoder = _Encoder(ensure_ascii=sys.version_info < _escapes_below)
    text = encoder.encode(value)
    if not encoder.found_decimal:
        return text
    import re

    return re.sub('"' + _token + '([^"]*)"', r"\1", text)


def from_json(content):
    return json.loads(str(content, "utf-8"))
