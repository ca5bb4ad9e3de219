"""Say over HTTP what was wrong with a request: one sentence, one status code."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from span_train.contract.errors import ImageError, InspectionError

RETRY_AFTER_S = 1


class Problem(BaseModel):
    """Why there is no inspection."""

    problem: str = Field(description="Where, what was found, and what to do.")


class Refusal(Exception):
    """A request that gets no inspection."""

    def __init__(self, status: int, problem: str, headers: Mapping[str, str] | None = None) -> None:
        """Refuse with an HTTP status and a sentence."""
        super().__init__(problem)
        self.status, self.problem, self.headers = status, problem, dict(headers or {})


def come_back(problem: str) -> Refusal:
    """Refuse for now: the same request may be answered a moment later."""
    return Refusal(503, problem, {"Retry-After": str(RETRY_AFTER_S)})


def answer_with_problems(app: FastAPI) -> None:
    """Let every request that is refused or fails get a `Problem`."""

    @app.exception_handler(Refusal)
    async def _refused(_request: Request, refusal: Refusal) -> JSONResponse:
        return _answer(refusal)

    @app.exception_handler(RequestValidationError)
    async def _wrong_query(_request: Request, wrong: RequestValidationError) -> JSONResponse:
        mistakes = (f"{error['loc'][-1]}: {error['msg']}" for error in wrong.errors())
        return _answer(Refusal(422, f"{'; '.join(mistakes)}."))

    @app.exception_handler(InspectionError)
    async def _mendable(_request: Request, problem: InspectionError) -> JSONResponse:
        text = str(problem)
        return _answer(Refusal(422, text) if isinstance(problem, ImageError) else come_back(text))

    @app.exception_handler(HTTPException)
    async def _no_such_thing(_request: Request, problem: HTTPException) -> JSONResponse:
        return _answer(Refusal(problem.status_code, f"{problem.detail}.", problem.headers))

    @app.exception_handler(Exception)
    async def _ours_to_mend(_request: Request, _problem: Exception) -> JSONResponse:
        return _answer(Refusal(500, "an internal error; the server's own messages say which."))


def _answer(refusal: Refusal) -> JSONResponse:
    content = Problem(problem=refusal.problem).model_dump()
    return JSONResponse(content, refusal.status, headers=refusal.headers)
