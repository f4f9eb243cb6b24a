"""The root logger's handler in the formats of Lambda (developer guide, "Log and monitor Python Lambda
functions"; fields as in awslambdaric/lambda_runtime_log_utils.py)."""

import logging
import os
import sys
import time
import traceback

from . import logs

_reserved = set(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}


class _Handler(logging.Handler):
    def emit(self, record):
        # One record is one event: line breaks inside travel as carriage returns.
        sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")


class _Filter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = logs.request_id or ""
        return True


class _JsonFormatter(logging.Formatter):
    def format(self, record):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        error = record.exc_info
        has_error = bool(error) and error[0] is not None
        result = {
            "timestamp": f"{stamp}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(error[2]) if has_error else None,
            "errorType": error[0].__name__ if has_error else None,
            "errorMessage": str(error[1]) if has_error else None,
            "requestId": record.aws_request_id,
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if has_error else None,
        }
        result = {name: value for name, value in result.items() if value is not None}
        for name, value in vars(record).items():
            if name not in _reserved and name not in result:
                result[name] = value
        import json

        return json.dumps(result, ensure_ascii=False)


def set_up():
    logging.Formatter.converter = time.gmtime
    handler = _Handler()
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        handler.setFormatter(_JsonFormatter())
    else:
        handler.setFormatter(
            logging.Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
                "%Y-%m-%dT%H:%M:%S",
            )
        )
    handler.addFilter(_Filter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    if level in ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"):
        root.setLevel(level)
