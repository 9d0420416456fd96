"""The HTTP interface of a review: JSON for the page, images by row, three files of the page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from largeloss.errors import InputError, LargelossError
from largeloss.review.records import (
    class_record,
    others_of,
    sampled_entries,
    suggested_entries,
    word_of,
)
from largeloss.review.session import Review

PAGE = Path(__file__).parent / "page"
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
MOST_ANSWERS, MOST_ENTRIES = 200, 200
Mode = Literal["suggestions", "audit"]


def _checked_name(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("a reviewer's name has no control characters, and no blanks at its ends")
    return name


Number = Annotated[int, Field(ge=0, lt=2**40)]
Reviewer = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_checked_name)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    reviewer: Reviewer
    review: str | None = None
    """The ``identity`` of ``/api/classes``: what rows and columns were meant of. None: whatever is
    reviewed now."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    row: Number
    column: Number
    answer: Literal["yes", "no", "unsure"]


class _Step(_Body):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{16,64}$")] | None = None
    """What is sent again with the id that it had before is done once."""


class _Answers(_Step):
    mode: Mode
    answers: Annotated[list[_Answer], Field(min_length=1, max_length=MOST_ANSWERS)]


class _Flag(_Step):
    row: Number
    column: Number
    flagged: bool


class Json(JSONResponse):
    """In ASCII: names of files may hold halves of characters, which no UTF-8 has."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=True, allow_nan=False).encode()


def make_app(review: Review) -> FastAPI:
    """The application, without the guard before it; it loads nothing from anywhere."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _answer_errors(app)
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in _KINDS}

    @app.get("/")
    def index() -> Response:
        return FileResponse(PAGE / "index.html", media_type="text/html; charset=utf-8")

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "There is no such file.")
        return FileResponse(files[name], media_type=f"{_KINDS[files[name].suffix]}; charset=utf-8")

    @app.get("/api/classes")
    def classes(reviewer: Reviewer = "reviewer") -> Response:
        both, agree = review.standing.agreement()
        return Json(
            {
                "run": str(review.run),
                "identity": review.identity,
                "reviewer": reviewer,
                "reviewers": list(review.standing.reviewers),
                "agreement": {"both": both, "agree": agree},
                "classes": [
                    class_record(review, column, reviewer) for column in range(len(review.classes))
                ],
            }
        )

    @app.get("/api/entries")
    def entries(
        column: Annotated[int, Query(ge=0, lt=2**40)],
        mode: Mode = "suggestions",
        reviewer: Reviewer = "reviewer",
        start: Annotated[int, Query(ge=0, lt=2**40)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 24,
        open: Annotated[int, Query(ge=0, le=1)] = 0,
    ) -> Response:
        _check_column(review, column)
        find = suggested_entries if mode == "suggestions" else sampled_entries
        return Json(find(review, column, reviewer, range(start, start + limit), bool(open)))

    @app.post("/api/answers")
    def answer(body: _Answers) -> Response:
        _check_same(review, body)
        column = body.answers[0].column
        said = {(one.row, one.column): one.answer for one in body.answers}
        if len(said) < len(body.answers) or {place[1] for place in said} != {column}:
            raise HTTPException(400, "Answers of one request are of one class, an image once.")
        for row, _ in said:
            _check_open(review, row, column, body.mode)
        numbers = review.answer(body.reviewer, body.mode, list(said.items()), body.id)
        answers = [
            {
                "row": row, "column": column, "number": number,
                "others": others_of(review, (row, column), body.reviewer),
            }
            for (row, _), number in zip(said, numbers, strict=True)
        ]  # fmt: skip
        return Json({"answers": answers, "class": class_record(review, column, body.reviewer)})

    @app.post("/api/undo")
    def undo(body: _Step) -> Response:
        _check_same(review, body)
        undone = review.undo(body.reviewer, body.id)
        if undone is None or not undone.places:
            return Json({"undone": []})
        places = [
            {
                "row": row, "column": column,
                "answer": word_of(review, (row, column), body.reviewer, undone.mode),
            }
            for row, column in undone.places
        ]  # fmt: skip
        found = class_record(review, undone.places[0][1], body.reviewer)
        return Json({"undone": places, "mode": undone.mode, "class": found})

    @app.post("/api/flags")
    def flag(body: _Flag) -> Response:
        _check_same(review, body)
        _check_column(review, body.column)
        _check_row(review, body.row)
        review.flag(body.reviewer, body.row, body.column, body.flagged)
        return Json({"flagged": body.flagged})

    @app.get("/api/examples")
    def examples(column: Annotated[int, Query(ge=0, lt=2**40)]) -> Response:
        _check_column(review, column)
        rows = review.examples(column)
        return Json({"entries": [{"row": row, "image": review.names[row]} for row in rows]})

    @app.get("/thumbnails/{row}")
    def thumbnail(row: int, request: Request) -> Response:
        return _image(review, row, request, "image/jpeg", lambda: review.images.thumbnail(row))

    @app.get("/images/{row}")
    def large(row: int, request: Request) -> Response:
        return _image(review, row, request, "image/jpeg", lambda: review.images.large(row))

    @app.get("/maps/{row}/{column}")
    def activation_map(row: int, column: int, request: Request) -> Response:
        _check_column(review, column)
        find = review.images.map
        return _image(review, row, request, "image/png", lambda: find(row, column))

    return app


def _answer_errors(app: FastAPI) -> None:
    """Every error is one sentence of JSON."""

    def refused(request: Request, error: Any) -> Response:
        return Json({"error": str(error.detail)}, error.status_code)

    for status in range(400, 500):
        app.add_exception_handler(status, refused)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return Json({"error": f"{where or 'The request'}: {first['msg']}."}, 422)

    @app.exception_handler(LargelossError)
    def failed(request: Request, error: LargelossError) -> Response:
        return Json({"error": str(error)}, 404 if isinstance(error, InputError) else 507)


def _image(
    review: Review, row: int, request: Request, kind: str, make: Callable[[], bytes]
) -> Response:
    """An image that the browser keeps, and asks about again: another run may have this address."""
    _check_row(review, row)
    tag = f'"{review.images.version(row)}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(make(), media_type=kind, headers=headers)


def _check_same(review: Review, body: _Body) -> None:
    if body.review not in (None, review.identity):
        raise HTTPException(
            409, "This page was opened for another run, or for other images. Load it again."
        )


def _check_column(review: Review, column: int) -> None:
    if not 0 <= column < len(review.classes):
        raise HTTPException(404, f"There is no class with the number {column}.")


def _check_row(review: Review, row: int) -> None:
    if not 0 <= row < len(review.names) or not review.shows(row):
        raise HTTPException(404, f"There is no training image with the number {row}.")


def _check_open(review: Review, row: int, column: int, mode: str) -> None:
    _check_column(review, column)
    _check_row(review, row)
    if not review.is_open_for_answers(row, column):
        raise HTTPException(400, f"The label of image {row} for this class is observed already.")
    if mode == "audit" and review.sample.place(column, row) is None:
        raise HTTPException(400, f"Image {row} is not in the audit's sample of this class.")
