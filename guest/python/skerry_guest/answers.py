"""What goes back for a result: JSON or, for callers that asked for it, HTTP."""

from . import channel, errors, marshal

#: Lambda quotas: invocation payload, synchronous; the number AWS's message names.
RESPONSE_BYTES_MAX = 6_291_556
#: What a result in the form of HTTP has; anything else in it could still fail to become JSON.
_HTTP_PARTS = frozenset(("statusCode", "headers", "body", "isBase64Encoded", "cookies"))
#: JSON writes one character as six bytes at most, or as twelve outside the first plane.
_ESCAPED_BYTES_MAX = 12
_JSON = ((channel.CONTENT_TYPE, "application/json"),)
_PLAIN = ((channel.HEAD, "[200,null,null]"),)


def make(result, wants_http):
    """Kind, fields and body of the answer; the body is None when it is too large."""
    if isinstance(result, bytes):
        return channel.RESPONSE, ((channel.CONTENT_TYPE, "application/unknown"),), _bounded(result)
    if wants_http and type(result) is dict and _HTTP_PARTS.issuperset(result):
        answer = _http(result)
        if answer is not None:
            return answer
    body = _marshal(result)
    if not wants_http or len(body) > RESPONSE_BYTES_MAX:
        return channel.RESPONSE, _JSON, _bounded(body)
    plain = marshal.from_json(body)
    return (_http(plain) if type(plain) is dict else None) or (channel.HTTP, _PLAIN, body)


def too_large():
    message = (
        f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
    )
    return {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}


def _http(result):
    """None for what is not HTTP: a result needs a ``statusCode`` for that."""
    if "statusCode" not in result:
        return None
    body = result.get("body")
    if isinstance(body, str):
        content = body.encode("utf-8", "surrogatepass")
    else:
        content = b"" if body is None else _marshal(body)
    if len(content) * _ESCAPED_BYTES_MAX > RESPONSE_BYTES_MAX:
        if len(_marshal(result)) > RESPONSE_BYTES_MAX:
            return channel.HTTP, (), None
    head = _marshal([result["statusCode"], result.get("headers"), result.get("cookies")]).decode("utf-8")
    fields = [(channel.HEAD, head)]
    if result.get("isBase64Encoded") is True and isinstance(body, str):
        fields.append((channel.IS_BASE64, "1"))
    return channel.HTTP, fields, content


def _bounded(body):
    return body if len(body) <= RESPONSE_BYTES_MAX else None


def _marshal(result):
    try:
        return marshal.to_json(result).encode("utf-8")
    except Exception as error:
        raise errors.Fault("MarshalError", f"Unable to marshal response: {error}") from error
