"""From boot to the last invocation."""

import os
import sys
import time

from . import channel, listeners

#: Imported ahead in a sandbox nobody waits for, so that customers' imports find it loaded.
COMMON_MODULES = (
    "asyncio",
    "base64",
    "datetime",
    "decimal",
    "hashlib",
    "hmac",
    "http.client",
    "json",
    "logging",
    "random",
    "select",
    "ssl",
    "traceback",
    "urllib.parse",
    "urllib.request",
    "uuid",
    "xml.etree.ElementTree",
)

#: Variables that are read only when a process starts; see RESTART in ../../CHANNEL.md.
START_VARIABLES = (
    "PYTHONHASHSEED",
    "PYTHONOPTIMIZE",
    "PYTHONWARNINGS",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "PYTHONMALLOC",
    "PYTHONDEVMODE",
    "PYTHONFAULTHANDLER",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "MALLOC_ARENA_MAX",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "OPENSSL_CONF",
)

#: What every function has on AWS; it changes nothing for an interpreter that already runs.
DEFAULT_LIBRARY_PATH = (
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)

_initial = dict(os.environ)
_second_life = "SKERRY_SECOND_LIFE" in os.environ


def live():
    if not _second_life:
        listeners.hand_out()
    if os.environ.get("SKERRY_WARM") == "1" and not _second_life:
        _load_the_rest()
        for name in COMMON_MODULES:
            __import__(name)
        import site  # noqa: F401

        from . import log_formats  # noqa: F401
    channel.send(channel.READY, 0)
    channel.flush()
    # Where somebody waits, this goes on while the platform hears of it and answers.
    _load_the_rest()
    frame = channel.read()
    if frame.kind != channel.SPECIALISE:
        sys.exit(1)
    if channel.RESTARTED not in frame.fields and _needs_restart(frame.variables):
        channel.send(channel.RESTART, 0)
        channel.flush()
        _restart(frame.variables)
    if int(frame.fields.get(channel.CONCURRENCY, "1")) > 1:
        from .workers import Dispatcher

        _set_environment(frame.variables)
        Dispatcher(lambda: _work(frame, is_shared=True)).run()
    _work(frame, is_shared=False)


def _work(frame, is_shared):
    output.count(is_shared)
    function = _become(frame)
    for frame in inbox.invocations():
        _invoke(function, frame)
        if is_shared:
            output.flush()


def _load_the_rest():
    """What only a function needs; loading it takes longer than all that is needed to say READY."""
    global LambdaContext, answers, errors, handler, inbox, is_on_host, logs, marshal, output, place, standard_modules
    from . import answers, errors, handler, inbox, logs, marshal, output
    from .context import LambdaContext
    from . import standard as standard_modules
    from .places import is_on_host, place


def _needs_restart(variables):
    if variables.get("AWS_LAMBDA_EXEC_WRAPPER"):
        return True
    if variables.get("LD_LIBRARY_PATH") == DEFAULT_LIBRARY_PATH:
        variables = {**variables, "LD_LIBRARY_PATH": _initial.get("LD_LIBRARY_PATH")}
    return any(
        name in variables and variables[name] != _initial.get(name) for name in START_VARIABLES
    )


def _restart(variables):
    """Replaces this process; the channel stays open across it."""
    environment = dict(variables)
    for name, value in _initial.items():
        if name.startswith("SKERRY_"):
            environment[name] = value
    environment["SKERRY_SECOND_LIFE"] = "1"
    # An interpreter with a shared library of its own does not start without it.
    own = _initial.get("LD_LIBRARY_PATH")
    if own:
        wanted = environment.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = f"{wanted}:{own}" if wanted else own
    os.set_inheritable(channel.DESCRIPTOR, True)
    command = [sys.executable, *_options(), os.path.abspath(sys.argv[0])]
    wrapper = variables.get("AWS_LAMBDA_EXEC_WRAPPER")
    if wrapper:
        command.insert(0, wrapper)
    os.execve(command[0], command, environment)


def _options():
    """As at the first start, save what would make Python ignore the function's variables."""
    return ["-S", "-u", "-B"]


def _become(frame):
    started = time.perf_counter()
    _set_environment(frame.variables)
    _set_up_interpreter()
    replaced = time.perf_counter()

    def phases():
        now = time.perf_counter()
        return [
            (channel.PHASE, f"environment={(replaced - started) * 1000:.3f}"),
            (channel.PHASE, f"import={(now - replaced) * 1000:.3f}"),
        ]

    try:
        function = handler.load(frame.fields[channel.HANDLER])
    except Exception:
        error = errors.describe()
        errors.log(error)
        body = marshal.to_json(error).encode("utf-8", "surrogatepass")
        fields = channel.error_fields(error) + phases()
        channel.send(channel.INIT_ERROR, 0, fields, body, last=True)
        sys.exit(1)
    channel.send(channel.INITIALISED, 0, phases())
    return function


def _set_environment(variables):
    os.set_inheritable(channel.DESCRIPTOR, False)
    os.environ.clear()
    os.environ.update(variables)
    if "LD_LIBRARY_PATH" in _initial:
        os.environ.setdefault("LD_LIBRARY_PATH", _initial["LD_LIBRARY_PATH"])
    if is_on_host:
        os.environ["LAMBDA_TASK_ROOT"] = place("/var/task")
    time.tzset()


def _set_up_interpreter():
    """The interpreter runs without ``site``: what customers may import is decided here."""
    import site

    for name in ("setquit", "setcopyright", "sethelper"):
        getattr(site, name)()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = os.path.dirname(os.path.abspath(sys.argv[0]))
    standard = [path for path in sys.path if path and os.path.abspath(path) != own]
    extra = [place(path) for path in os.environ.get("PYTHONPATH", "").split(":") if path]
    # Developer guide, "Working with layers for Python": /opt/python comes behind the code.
    sys.path[:] = [
        place("/var/task"),
        *extra,
        place(f"/opt/python/lib/{version}/site-packages"),
        place("/opt/python"),
        place("/var/runtime/python"),
        *[path for path in standard if path not in extra],
    ]
    standard_modules.install(standard)
    sys.dont_write_bytecode = False
    sys.argv[:] = ["/var/runtime/bootstrap.py"]
    os.chdir(place("/var/task"))
    if not is_on_host:
        _name_working_directory()


def _name_working_directory():
    """The kernel knows the directory by its slot, customers by the link to it."""
    real = os.getcwd
    slot = "/var/slot/task"

    def getcwd():
        path = real()
        inside = path == slot or path.startswith(slot + "/")
        return "/var/task" + path[len(slot) :] if inside else path

    os.getcwd = getcwd


def _invoke(function, frame):
    began = time.perf_counter()
    fields = frame.fields
    request_id = fields.get(channel.REQUEST_ID, "")
    logs.request_id = request_id
    if channel.TRACE_HEADER in fields:
        os.environ["_X_AMZN_TRACE_ID"] = fields[channel.TRACE_HEADER]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        context = LambdaContext(
            request_id,
            fields.get(channel.FUNCTION_ARN),
            int(fields.get(channel.DEADLINE_MS, "0")),
            _parse(fields.get(channel.CLIENT_CONTEXT), "Client Context"),
            _parse(fields.get(channel.COGNITO_IDENTITY), "Cognito Identity"),
        )
        try:
            event = marshal.from_json(frame.body)
        except Exception as error:
            raise errors.Fault("UnmarshalError", f"Unable to unmarshal input: {error}") from error
        result = function(event, context)
        kind, answer, body = answers.make(result, channel.WANTS_HTTP in fields)
    except Exception:
        error = errors.describe(request_id)
        errors.log(error)
        return _send_error(frame.number, error, began)
    if body is None:
        return _send_error(frame.number, answers.too_large(), began)
    return channel.send(kind, frame.number, [*answer, *_figures(began)], body)


def _send_error(number, error, began):
    body = marshal.to_json(error).encode("utf-8", "surrogatepass")
    channel.send(channel.ERROR, number, [*channel.error_fields(error), *_figures(began)], body)


_told = "0,0"


def _figures(began):
    """How long it took, and how much has been printed when that is not what was told last."""
    global _told
    took = (channel.TOOK_US, str(round((time.perf_counter() - began) * 1_000_000)))
    mark = output.mark()
    if mark == _told:
        return (took,)
    _told = mark
    return (took, (channel.OUTPUT_MARK, mark))


def _parse(text, name):
    if text is None:
        return None
    try:
        return marshal.from_json(text.encode("utf-8"))
    except Exception as error:
        message = f"Unable to parse {name} JSON: {error}"
        raise errors.Fault("LambdaContextUnmarshalError", message) from error
