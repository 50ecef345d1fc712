from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.openpai.runtime.plugins.module_utils.pai import process_env
from ansible_collections.openpai.runtime.plugins.modules import pai_git

Result = dict[str, Any]
TOKEN = "glpat-S3cret+Token/42"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    # what would show a token, if git were given it
    "GIT_TRACE": "1",
    "GIT_TRACE_CURL": "1",
    "GIT_TRACE_REDACT": "0",
}


def git(directory: Path, *words: str) -> str:
    names = {f"GIT_{who}_NAME": "T" for who in ("AUTHOR", "COMMITTER")}
    mails = {f"GIT_{who}_EMAIL": "t@example.org" for who in ("AUTHOR", "COMMITTER")}
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", **names, **mails}
    done = subprocess.run(
        ["git", "-C", str(directory), *words], env=environment, stdout=-1, check=True
    )
    return done.stdout.decode().strip()


def make_repository(directory: Path) -> Path:
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    (directory / "file").write_text("content")
    git(directory, "add", "file")
    git(directory, "commit", "--quiet", "--message=first")
    return directory


class Server(ThreadingHTTPServer):
    """git's own smart HTTP server behind Basic authentication.

    ``busy`` requests are answered with 503 first, then who may come in is sent on to ``redirect``,
    if set; ``on_request`` is called while git waits.
    """

    daemon_threads = True

    def __init__(self, root: Path, password: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.expected = "Basic " + base64.b64encode(f"oauth2:{password}".encode()).decode()
        self.seen: list[str | None] = []
        self.busy = 0
        self.redirect = ""
        self.on_request: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_words: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("Authorization"))
        self.server.on_request()
        if self.server.busy:
            self.server.busy -= 1
            self.send_error(503)
        elif self.server.seen[-1] != self.server.expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.server.redirect:
            self.send_response(302)
            self.send_header("Location", self.server.redirect + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_POST = do_GET  # noqa: N815 - the name is http.server's

    def answer(self, body: bytes) -> None:
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        words = ["git", "http-backend"]
        done = subprocess.run(words, input=body, env=environment, stdout=-1, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(root: Path, password: str = TOKEN) -> Server:
        servers.append(Server(root, password))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Task:
    """A work and a log directory as the runtime's earlier steps leave them."""

    def __init__(self, directory: Path, run_module: Callable[..., Result]) -> None:
        self.directory = directory
        self.work, self.logs = directory / "pai" / "runtime.d", directory / "logs"
        self.code = directory / "pai" / "code"
        self.work.mkdir(parents=True)
        self.logs.mkdir()
        self._run = run_module
        environment = {**ENVIRONMENT, "HOME": str(directory)}
        (self.work / "process_env.nul").write_bytes(process_env.encode(environment))

    def run(self, check: bool = False, **parameters: Any) -> Result:
        if parameters:
            entry = {"position": 0, "name": "git", "parameters": parameters}
            with os.fdopen(
                os.open(self.work / "plugins.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                "w",
            ) as file:
                json.dump([entry], file)
        args = {"work_dir": str(self.work), "log_dir": str(self.logs), "position": 0}
        return self._run(pai_git.main, args, check)

    @property
    def log(self) -> str:
        file = self.logs / "runtime.log"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def task(
    tmp_path: Path, run_module: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> Task:
    monkeypatch.delenv("RUNTIME_LOG_PIPE", raising=False)
    return Task(tmp_path, run_module)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repositories" / "model.git")


def test_four_runs_clone_once(task: Task, repository: Path) -> None:
    task.run(check=True, repo_uri=str(repository))
    assert not task.code.exists()
    assert task.log == ""
    runs = [task.run(check) for check in (True, False, True, False)]
    assert [run["changed"] for run in runs] == [True, True, False, False]
    action = [f"clone {repository} into {task.code}"]
    assert [run["actions"] for run in runs] == [action, action, [], []]
    assert {run["clone_dir"] for run in runs} == {str(task.code)}
    head = git(repository, "rev-parse", "HEAD")
    assert [run["commit"] for run in runs] == ["", head, head, head]
    assert (task.code / "file").read_text() == "content"


def test_check_mode_on_a_fresh_container_says_what_it_waits_for(task: Task) -> None:
    result = task.run(check=True)
    assert result["changed"] is True
    assert result["actions"] == [
        f"clone what the job asks for, once {task.work}/plugins.json is written"
    ]


def test_without_git_in_the_image_the_code_is_1(task: Task, repository: Path) -> None:
    (task.work / "process_env.nul").write_bytes(b"PATH=/nowhere\0")
    result = task.run(repo_uri=str(repository))
    assert result["exit_code"] == 1
    assert "install git in the image" in result["msg"]


def test_the_clone_has_the_umask_of_the_container(task: Task, repository: Path) -> None:
    (task.work / "umask").write_text("0077\n")
    task.run(repo_uri=str(repository))
    assert (task.code / "file").stat().st_mode & 0o777 == 0o600


def test_a_full_directory_is_an_error_that_names_it(task: Task, repository: Path) -> None:
    task.code.mkdir()
    (task.code / "mine").touch()
    for check in (True, False):
        result = task.run(check, repo_uri=str(repository))
        assert result["failed"] is True
        assert result["exit_code"] == 1
        assert result["msg"] == (
            f"plugin git (number 1 of the job's list): clone_dir {task.code} is not empty, and no "
            "git clone; empty it or name another clone_dir"
        )
    assert os.listdir(task.code) == ["mine"]


def test_an_unknown_branch_ends_with_gits_words_and_code(task: Task, repository: Path) -> None:
    result = task.run(repo_uri=str(repository), branch="nope")
    assert result["exit_code"] == 128
    assert result["msg"] == (
        f"plugin git (number 1 of the job's list): clone of {repository}, try 1 of 10: "
        "fatal: Remote branch nope not found in upstream origin"
    )
    assert not task.code.exists()


def test_an_image_without_git_is_told(task: Task, repository: Path) -> None:
    (task.work / "process_env.nul").write_bytes(b"PATH=/nowhere\0")
    assert "no program git on the image's PATH (/nowhere)" in task.run(repo_uri="/x")["msg"]


def test_a_server_that_is_busy_is_asked_again(
    task: Task, repository: Path, serve: Callable[..., Server]
) -> None:
    server = serve(repository.parent)
    server.busy = 2
    result = task.run(repo_uri=f"{server.url}/model.git", token=TOKEN, max_delay=0)
    assert result["changed"] is True
    assert task.log.count(", try ") == 3
    assert task.log.count("error: 503; the next try follows in 0.0 seconds") == 2


@pytest.mark.parametrize("form", ["parameter", "address", "name"])
def test_a_token_gets_in_as(
    task: Task, repository: Path, serve: Callable[..., Server], form: str
) -> None:
    server = serve(repository.parent)
    url, quoted = f"{server.url}/model.git", TOKEN.replace("+", "%2B").replace("/", "%2F")
    wanted = {
        "parameter": {"repo_uri": url, "token": TOKEN},
        "address": {"repo_uri": url.replace("//", f"//oauth2:{quoted}@")},
        "name": {"repo_uri": url.replace("//", "//oauth2@"), "token": TOKEN, "depth": "1"},
    }
    result = task.run(**wanted[form])
    assert result["changed"] is True
    assert git(task.code, "config", "remote.origin.url") == url
    assert task.run()["changed"] is False


@pytest.mark.parametrize("parameters", [{}, {"token": "wrong-token"}], ids=["none", "a wrong one"])
def test_a_token_that_is_refused_is_not_tried_again(
    task: Task, repository: Path, serve: Callable[..., Server], parameters: dict[str, str]
) -> None:
    result = task.run(repo_uri=f"{serve(repository.parent).url}/model.git", **parameters)
    assert result["exit_code"] == 128
    assert "could not read Username" in result["msg"] or "Authentication failed" in result["msg"]
    assert "wrong-token" not in json.dumps(result) + task.log
    assert task.log.count(", try ") == 1


def test_an_unknown_repository_is_not_tried_again(
    task: Task, repository: Path, serve: Callable[..., Server]
) -> None:
    result = task.run(repo_uri=f"{serve(repository.parent).url}/other.git", token=TOKEN)
    assert "other.git/' not found" in result["msg"]
    assert task.log.count(", try ") == 1


def test_the_server_of_a_submodule_never_sees_the_token(
    task: Task, repository: Path, serve: Callable[..., Server]
) -> None:
    server, other = serve(repository.parent), serve(repository.parent)
    text = f'[submodule "lib"]\n\tpath = lib\n\turl = {other.url}/model.git\n'
    (repository / ".gitmodules").write_text(text)
    git(repository, "add", ".gitmodules")
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},lib")
    git(repository, "commit", "--quiet", "--message=submodule")
    options = ["--recurse-submodules"]
    result = task.run(repo_uri=f"{server.url}/model.git", token=TOKEN, options=options)
    assert result["failed"] is True
    assert server.expected in server.seen
    assert other.seen
    assert set(other.seen) == {None}
    assert not task.code.exists()


def test_a_server_that_the_first_one_points_to_never_sees_the_token(
    task: Task, repository: Path, serve: Callable[..., Server]
) -> None:
    server, other = serve(repository.parent), serve(repository.parent)
    server.redirect = other.url
    result = task.run(repo_uri=f"{server.url}/model.git", token=TOKEN)
    assert result["exit_code"] == 128
    assert server.expected in server.seen
    assert other.seen
    assert set(other.seen) == {None}


def processes() -> str:
    """Return the arguments and the environment of every process that may be read."""
    found = b""
    for name in ("cmdline", "environ"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            try:
                found += path.read_bytes()
            except OSError:
                continue
    return found.decode("utf-8", "replace")


@pytest.mark.parametrize("fails", [False, True], ids=["a clone", "a failure"])
def test_the_token_is_in_no_process_file_log_or_result(
    task: Task, repository: Path, serve: Callable[..., Server], fails: bool
) -> None:
    forms = (TOKEN, base64.b64encode(f"oauth2:{TOKEN}".encode()).decode(), TOKEN[6:])
    server = serve(repository.parent)
    shown: list[str] = []
    holders: set[tuple[str, int]] = set()

    def look() -> None:
        shown.append(processes())
        for path in task.directory.rglob("*"):
            if path.is_file() and TOKEN in path.read_text("utf-8", "replace"):
                holders.add((path.name, path.stat().st_mode & 0o777))

    server.on_request = look
    result = task.run(
        repo_uri=f"{server.url}/model.git", token=TOKEN, branch="nope" if fails else "main"
    )
    assert result.get("failed", False) is fails
    assert server.expected in server.seen
    assert holders == {("plugins.json", 0o600), ("credential", 0o600)}
    assert "git-remote-http" in shown[0]
    everything = [*shown, json.dumps(result), task.log]
    (task.work / "plugins.json").unlink()
    for path in task.directory.rglob("*"):
        if path.is_file():
            everything.append(path.read_text("utf-8", "replace"))
    for form in forms:
        assert not [text for text in everything if form in text]
    assert list((task.work / "state").iterdir()) == []


def test_secrets_of_the_job_are_masked_in_messages(task: Task) -> None:
    (task.work / "secrets.json").write_text(json.dumps({"name": "hidden-project"}))
    result = task.run(repo_uri="/srv/hidden-project", tries=1)
    assert "fatal: repository '/srv/******' does not exist" in result["msg"]
    assert "hidden-project" not in json.dumps(result) + task.log
