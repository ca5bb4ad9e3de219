"""Read what a sender sends, up to a size and within a time."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from deploy.serving.problems import Refusal


async def read_body(request: Request, most_bytes: int, timeout_s: float) -> bytes:
    """The whole body of a request.

    Raises:
        Refusal: It is larger than allowed (413, told before anything is read where the sender
            says so), takes too long (408), or ends early (400).
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > most_bytes):
        raise _too_large(most_bytes)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most_bytes:
                    raise _too_large(most_bytes)
                chunks.append(chunk)
    except TimeoutError:
        raise Refusal(
            408, f"the image did not arrive within {timeout_s:g} s; send it again."
        ) from None
    except ClientDisconnect:
        raise Refusal(400, "the sender hung up before the image was whole.") from None
    return b"".join(chunks)


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(
        413,
        f"the image has more than {most_bytes} bytes; send a smaller file, or start the server "
        "with a higher --max-mb.",
    )
