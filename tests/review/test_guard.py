"""Attacks on the server of a review, as no. 40 of the faults lists them."""

import json
import socket

import pytest
from starlette.testclient import TestClient

from largeloss.review.app import make_app
from largeloss.review.guard import BODY_LIMIT, Guard
from reviewed import CLASSES, ORIGIN, answer, entries, post

TOKEN = "0123456789abcdefgh"


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/../app.py",
        "/static/%2e%2e%2fapp.py", "/static/..%5capp.py", "/static//etc/passwd",
        "/thumbnails/..%2f..%2fconfig.yaml", "/thumbnails/%2fetc%2fpasswd", "/images/-1",
        "/images/35", "/images/999999999999999999999999", "/images/0%00", "/images/1e1",
        "/images/images/00.png", "/maps/0/99", "/maps/0/..", "/review/answers.sqlite3", "/docs",
        "/openapi.json", "/static/index.html.bak", "/static/",
    ],
)  # fmt: skip
def test_fault_40_paths_lead_nowhere(review, path):
    _, client = review
    found = client.get(path, follow_redirects=False)
    assert found.status_code in (403, 404, 422)
    assert set(found.json()) == {"error"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"Host": "testserver.evil.example"}, {"Host": ""},
        {"Host": "evil.example:80@testserver"}, {"Origin": "http://evil.example"},
        {"Origin": "null"}, {"Origin": "http://testserver:81"}, {"Origin": "http://testserver.evil"},
    ],
)  # fmt: skip
def test_fault_40_foreign_hosts_and_origins_are_refused(review, headers):
    session, client = review
    assert client.get("/api/classes", headers=headers).status_code == 403
    body = {"reviewer": "ann", "row": 0, "column": 0, "flagged": True}
    assert client.post("/api/flags", json=body, headers=ORIGIN | headers).status_code == 403
    assert not session._journal.flags()


def test_fault_40_a_form_of_another_page_changes_nothing(review):
    session, client = review
    body = json.dumps({"reviewer": "ann", "row": 0, "column": 0, "flagged": True})
    for headers, status in (
        ({"Content-Type": "application/json"}, 403),  # no Origin
        ({**ORIGIN, "Content-Type": "text/plain"}, 415),
        ({**ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}, 415),
    ):
        assert client.post("/api/flags", content=body, headers=headers).status_code == status
    assert client.put("/api/flags", content=body, headers=ORIGIN).status_code == 405
    assert client.options("/api/flags").status_code == 405
    assert not session._journal.flags()


def test_fault_40_large_bodies_are_refused_without_being_read(review):
    _, client = review
    headers = {**ORIGIN, "Content-Type": "application/json"}
    claimed = {**headers, "Content-Length": str(1 << 30)}
    assert client.post("/api/undo", content=b"{}", headers=claimed).status_code == 413

    parts = (b" " * 4096 for _ in range(2 * BODY_LIMIT // 4096))  # of a length that is not told
    assert client.post("/api/undo", content=parts, headers=headers).status_code == 413


def test_fault_40_names_are_data_and_pages_may_load_nothing_else(review):
    _, client = review
    found = client.get("/api/classes")
    assert found.headers["content-type"] == "application/json"
    assert CLASSES[1] in [one["name"] for one in found.json()["classes"]]
    for path in ("/", "/api/classes", "/thumbnails/0", "/nothing", "/static/app.js"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
    assert CLASSES[1] not in client.get("/").text


def test_fault_40_with_a_token_nothing_is_answered_without_it(review):
    session, _ = review
    guard = Guard(make_app(session), ["testserver"], TOKEN, "review-1")

    def client(**cookies):
        return TestClient(guard, cookies=cookies or None, follow_redirects=False)

    for path in ("/", "/api/classes", "/thumbnails/0", "/static/app.js", "/nothing"):
        for query in ("", "?token=", "?token=wrong", f"?token={TOKEN}&token=x", "?token=%ff"):
            assert client().get(path + query).status_code == 401
        for value in ("wrong", "", '"'):
            assert client(**{"review-1": value}).get(path).status_code == 401
    assert post(client(), "undo", reviewer="ann").status_code == 401
    assert client().post(f"/?token={TOKEN}", headers=ORIGIN, json={}).status_code == 401

    found = client().get(f"/?reviewer=ann&token={TOKEN}&class=a%26b")
    assert found.status_code == 303
    assert found.headers["location"] == "/?reviewer=ann&class=a%26b"
    assert "HttpOnly; SameSite=Strict" in found.headers["set-cookie"]
    allowed = client(**{"review-1": TOKEN})
    assert allowed.get("/api/classes").status_code == 200
    assert answer(allowed, [entries(allowed)["entries"][0]["row"]], "yes").status_code == 200


def test_fault_40_two_reviewers_at_once_lose_nothing(review):
    from concurrent.futures import ThreadPoolExecutor

    session, client = review
    rows = [one["row"] for one in entries(client, limit=100)["entries"]]

    def work(number):
        return [answer(client, [row], "yes", reviewer=f"r{number}").json() for row in rows]

    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(work, range(4)))
    numbers = [one["answers"][0]["number"] for reply in replies for one in reply]
    assert sorted(numbers) == list(range(1, 4 * len(rows) + 1))
    assert len(list(session._journal.answers())) == 4 * len(rows)
    assert client.get("/api/classes").json()["agreement"] == {
        "both": len(rows), "agree": len(rows),
    }  # fmt: skip


def test_nothing_is_sent_anywhere(review, monkeypatch):
    def refused(*_):
        raise AssertionError("a connection was begun")

    _, client = review
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    for path in ("/", "/api/classes", "/thumbnails/0", "/maps/0/0", "/docs", "/openapi.json"):
        assert client.get(path).status_code == (404 if path in ("/docs", "/openapi.json") else 200)
    assert answer(client, [entries(client)["entries"][0]["row"]], "yes").status_code == 200
