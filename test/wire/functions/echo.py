"""Answers with what it was given; raises when asked to."""

import os


def handler(event, context):
    print("echo", event)
    if event.get("raise"):
        raise ValueError(event["raise"])
    return {
        "event": event,
        "name": context.function_name,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "greeting": os.environ.get("GREETING"),
    }
