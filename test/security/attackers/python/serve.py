"""Carries out one operation after another and tells how each ended; `operations.py` is the attack."""

import errno

import operations


def handler(event, context):
    return {
        attack["id"]: attempt(attack["operation"], attack.get("given"))
        for attack in event["attacks"]
    }


def attempt(operation, given):
    operate = getattr(operations, operation, None)
    if operate is None:
        return {"error": f"no operation {operation}"}
    try:
        return {"value": operate(given)}
    except OSError as error:
        return {"error": errno.errorcode.get(error.errno) or str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
