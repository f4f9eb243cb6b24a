"""What records of ``logging`` say of the invocation that runs; how they look is in `log_formats`."""

#: The invocation that runs; None before the first.
request_id = None


def set_up():
    from . import log_formats

    log_formats.set_up()
