"""Proxies of the distribution as processes on loopback, each with an address of its own towards upstream."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

from rig import free_port, wait_for

# In a mount namespace of its own a proxy knows names that nobody else does.
WITH_HOSTS = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


class Proxy:
    """`source`: whence it asks. `credentials`: USER:PASSWORD that it demands. `hosts`: lines of its own /etc/hosts."""

    def __init__(self, directory, source, listen="127.0.0.1", credentials=None, hosts=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=directory))
        self.source, self.listen, self.port = source, listen, free_port()
        self.credentials, self.process, self.prefix = credentials, None, []
        if hosts:
            (self.directory / "hosts").write_text(hosts)
            self.prefix = [*WITH_HOSTS, str(self.directory / "hosts")]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([*self.prefix, *self.command()], stdout=log, stderr=log)
        wait_for(f"{self.shown} listens", self.is_open)

    def is_open(self):
        family = socket.AF_INET6 if ":" in self.listen else socket.AF_INET
        with socket.socket(family) as probe:
            return probe.connect_ex((self.listen, self.port)) == 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def said(self):
        return (self.directory / "log").read_text()

    def url(self, scheme=None, credentials=None):
        """As it is configured; `credentials` others than it demands."""
        credentials = credentials or self.credentials
        return self.address(scheme or self.scheme, f"{credentials}@" if credentials else "")

    @property
    def shown(self):
        """As people are shown it."""
        return self.address(self.scheme, "")

    def address(self, scheme, before):
        host = f"[{self.listen}]" if ":" in self.listen else self.listen
        return f"{scheme}://{before}{host}:{self.port}"


class Socks(Proxy):
    scheme = "socks5h"

    def command(self):
        command = ["microsocks", "-i", self.listen, "-p", str(self.port)]
        if self.source:
            command += ["-b", self.source]
        if self.credentials:
            user, password = self.credentials.split(":")
            command += ["-u", user, "-P", password]
        return command


class Http(Proxy):
    scheme = "http"

    def command(self):
        lines = [f"Port {self.port}", f"Listen {self.listen}", "Timeout 60", "MaxClients 50", "LogLevel Connect"]
        if self.source:
            lines.append(f"Bind {self.source}")
        if self.credentials:
            lines.append("BasicAuth " + self.credentials.replace(":", " "))
        settings = self.directory / "tinyproxy.conf"
        settings.write_text("\n".join(lines) + "\n")
        return ["tinyproxy", "-d", "-c", str(settings)]


def can_have_hosts():
    """Whether a proxy can be given names of its own here."""
    return subprocess.run([*WITH_HOSTS, os.devnull, "true"], capture_output=True).returncode == 0
