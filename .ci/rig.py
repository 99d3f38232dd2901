"""What the drivers share: the daemon as a child process on a port of its own, and waiting that has a bound."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CAPTURES = pathlib.Path(os.environ.get("CAPTURES", ROOT.parent / "shared/captures"))
PROGRAM = os.environ["FEEDBRIDGE"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=30):
    """The condition's first true value; fails the run after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failure(f"waited {seconds} s in vain: {what}")


class Failure(Exception):
    pass


class Checks:
    """Counts what was checked, and prints only what failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print("not so:", what)

    def equal(self, found, wanted, what):
        self.that(found == wanted, f"{what}: {found!r}, not {wanted!r}")

    def command(self, command, what):
        """Checks the exit code; the output is shown only when it is wrong."""
        ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
        self.that(ran.returncode == 0, f"{what}\n{(ran.stdout + ran.stderr)[-2000:]}")
        return ran.stdout

    def end(self, name):
        print(f"{name}: {self.passed} checks passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)


class Workspace:
    """A directory that is removed at the end, unless the run failed."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="feedbridge-ci-"))
        return self.path

    def __exit__(self, kind, error, _):
        if kind in (None, SystemExit) and not getattr(error, "code", 0):
            shutil.rmtree(self.path)
        else:
            print("kept for a look:", self.path)


class Daemon:
    """The program, serving `channels` of `hosts` from a store in `directory`. `upstream`: more lines of that section."""

    def __init__(self, directory, hosts, channels, interval=1, upstream="", more="", environment=None, **defaults):
        self.directory, self.process = directory, None
        self.environment = {**os.environ, **(environment or {})}
        self.url = f"http://127.0.0.1:{free_port()}"
        settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in defaults.items())
        listed = "\n".join(f'[[channel]]\nname = "{name}"' for name in channels)
        self.config = directory / "config.toml"
        self.config.write_text(
            f'[server]\nlisten = "{self.url[7:]}"\npublic_url = "{self.url}"\n'
            f'[store]\npath = "{directory}/data"\n[upstream]\nhosts = {json.dumps(hosts)}\n{upstream}\n'
            f"[poll]\ninterval_seconds = {interval}\nrequests_per_minute = 6000\n[defaults]\n{settings}\n{more}\n{listed}\n"
        )

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind not in (None, SystemExit):
            print((self.directory / "daemon.log").read_text()[-3000:])

    def command(self, *words):
        return subprocess.run([PROGRAM, "--config", self.config, *words], capture_output=True, text=True, timeout=60)

    def start(self):
        with open(self.directory / "daemon.log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--config", self.config], stdout=log, stderr=log, env=self.environment)
        wait_for("the daemon is ready", self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failure(f"the daemon ended with {self.process.returncode}")
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Asks the daemon to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def get(self, path, **headers):
        """Status, headers and body."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def items(self, channel):
        return json.loads(self.get(f"/{channel}/feed.json")[2])["items"]

    def answered(self, route, status):
        """How many requests for this kind of document had this status so far."""
        text = self.get("/metrics")[2].decode()
        pattern = rf'feedbridge_http_requests_total{{(?=[^}}]*route="{route}")(?=[^}}]*status="{status}")[^}}]*}} (\d+)'
        return sum(int(count) for count in re.findall(pattern, text))
