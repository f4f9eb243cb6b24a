"""JSON as Lambda's Python runtimes read and write it.

AWS's runtime uses simplejson with support for Decimal (lambda_runtime_marshaller.py); this does the
same with the standard library, and with the compiled part of it alone where that is enough: the module
``json`` takes longer to load than a whole interpreter, for what only its errors and options need.
"""

import _json
import os
import sys

#: Stands for a Decimal until the text is finished; random, so that no customer's text looks like it.
_token = "decimal-" + os.urandom(16).hex() + ":"

#: Up to Python 3.11 what is not ASCII was escaped; since 3.12 it is not (developer guide, Python 3.12).
_escapes = sys.version_info < (3, 12)
_quote = _json.encode_basestring_ascii if _escapes else _json.encode_basestring
#: White space of RFC 8259, section 2.
_WHITE_SPACE = " \t\n\r"


class _Reading:
    """What the compiled scanner asks a JSONDecoder for (json/scanner.py)."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"-Infinity": -float("inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__


_scan = _json.make_scanner(_Reading)


def to_json(value):
    found_decimal = False

    def default(value):
        nonlocal found_decimal
        # Whoever has a Decimal has loaded the module.
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(value, decimal.Decimal):
            if value.is_nan():
                return float("nan")
            found_decimal = True
            return _token + str(value)
        raise TypeError(f"Object of type {value.__class__.__name__} is not JSON serializable")

    text = _encode(value, default)
    if not found_decimal:
        return text
    import re

    return re.sub('"' + _token + '([^"]*)"', r"\1", text)


def _encode(value, default):
    try:
        # As `JSONEncoder.iterencode` makes it: markers, default, encoder, indent, separators, sort_keys,
        # skipkeys, allow_nan.
        encode = _json.make_encoder({}, default, _quote, None, ": ", ", ", False, False, True)
    except TypeError:
        # A Python that has changed it.
        import json

        return json.dumps(value, default=default, ensure_ascii=_escapes)
    return "".join(encode(value, 0))


def from_json(content):
    text = str(content, "utf-8")
    trimmed = text.strip(_WHITE_SPACE)
    try:
        value, end = _scan(trimmed, 0)
        if end == len(trimmed):
            return value
    except (StopIteration, ValueError):
        pass
    # It says what is wrong, and where.
    import json

    return json.loads(text)
