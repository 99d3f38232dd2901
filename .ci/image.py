"""The container image, run: python image.py ROOT, where ROOT is the image's file system.

By user 65532, on a root that cannot be written, with the image's own configuration and command: it serves what it reads
through TLS, follows a name, says that it is well, stops within its time, and goes on with what it kept."""
import contextlib
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

from rig import Checks, Failure, Workspace, free_port, wait_for
from upstream import Upstream, certificate

USER = 65532
MOST_BYTES = 30_000_000
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
COMMAND = ["/usr/bin/feedbridge", "--config", "/etc/feedbridge/config.toml"]
# In a mount namespace of its own: the root can only be read, /data is the volume, and the image's authorities have the
# stand-in's among them.
ENTER = f"""
mount --bind "$1" "$1" && mount --bind "$2" "$1/data" && mount --bind "$3" "$1/{AUTHORITIES}" &&
mount -o remount,ro,bind "$1" && root=$1 && shift 3 && exec chroot --userspec={USER}:{USER} "$root" "$@"
"""


class Container:
    def __init__(self, root, directory, upstream, authorities, checks):
        self.root, self.authorities, self.checks, port = root, authorities, checks, free_port()
        self.data, self.log = directory / "data", directory / "daemon.log"
        self.data.mkdir()
        os.chown(self.data, USER, USER)
        # Whoever becomes another user has to come through.
        directory.chmod(0o755)
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            "PATH": os.environ["PATH"], "FEEDBRIDGE_SERVER__LISTEN": f"0.0.0.0:{port}",
            "FEEDBRIDGE_SERVER__PUBLIC_URL": self.url, "FEEDBRIDGE_UPSTREAM__HOSTS": upstream.url,
            "FEEDBRIDGE_POLL__FLOOR_SECONDS": "1", "FEEDBRIDGE_CHANNELS": "kettle",
        }

    def command(self, *words):
        return ["unshare", "--mount", "sh", "-c", ENTER, "sh", self.root, self.data, self.authorities, *COMMAND, *words]

    def run(self, *words, environment=None):
        """A command of the program beside the daemon: its exit code and the first line it says."""
        ran = subprocess.run(self.command(*words), env=environment or self.environment, stdout=subprocess.PIPE,
                             text=True, timeout=20)
        return ran.returncode, ran.stdout.split("\n")[0]

    @contextlib.contextmanager
    def life(self):
        with open(self.log, "ab") as log:
            process = subprocess.Popen(self.command(), env=self.environment, stdout=log, stderr=log)
        try:
            wait_for("it is ready", lambda: self.is_ready(process))
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            self.checks.that(f"Uid:\t{USER}\t{USER}\t" in status, "it runs as another user")
            yield
            process.terminate()
            self.checks.equal(process.wait(timeout=10), 0, "it stops when it is told to")
        except BaseException:
            print(self.log.read_text()[-3000:])
            raise
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def is_ready(self, process):
        if process.poll() is not None:
            raise Failure(f"the daemon ended with {process.returncode}")
        return self.get("/readyz")[0] == 200

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def shows(self, path, words):
        # Before its first poll a channel of the configuration is an empty feed.
        wait_for(f"{path} has {words}", lambda: words in self.get(path)[1])


def files(root):
    """What the root holds, but for the volume."""
    return sorted((str(path.relative_to(root)), path.lstat().st_size, path.lstat().st_mtime)
                  for path in root.rglob("*") if path.relative_to(root).parts[0] != "data")


def holds_little(root, checks):
    programs = [path.name for path in root.rglob("*") if path.is_file() and path.parent.name in ("bin", "sbin")]
    checks.equal(programs, ["feedbridge"], "programs in the image")
    checks.equal([path for path in root.rglob("*") if path.is_symlink()], [], "links in the image")
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    checks.that(size <= MOST_BYTES, f"{size} bytes, {MOST_BYTES} at most")
    volume = (root / "data").stat()
    checks.equal((volume.st_uid, volume.st_gid), (USER, USER), "whose the volume is")


def lives(root, directory, checks):
    authority, context = certificate(directory, "127.0.0.1")
    authorities = directory / "authorities"
    authorities.write_bytes((root / AUTHORITIES).read_bytes() + authority.read_bytes())
    upstream = Upstream(["kettle", "spout"], tls=context)
    for name in ("kettle", "spout"):
        upstream.post(name, f"Tea of {name}")
    before = files(root)
    container = Container(root, directory, upstream, authorities, checks)
    checks.equal(container.run("check", environment={"PATH": os.environ["PATH"]})[0], 0, "the image's own configuration")
    checks.equal(container.run("health", "--live")[0], 2, "the health of none")
    with container.life():
        container.shows("/kettle/atom.xml", "Tea of kettle")
        checks.equal(container.run("health", "--live"), (0, "ok"), "its health")
    with container.life():
        container.shows("/spout/feed.json", "Tea of spout")
        checks.equal(container.run("health"), (0, "ok"), "its health to a person")
    upstream.server.shutdown()
    upstream.server.server_close()
    with container.life():
        for path in ("/kettle/atom.xml", "/spout/atom.xml"):
            checks.that(f"Tea of {path.split('/')[1]}" in container.get(path)[1], f"{path} without upstream")
    checks.equal(files(root), before, "nothing is written but in the volume")


def main(root):
    checks = Checks()
    holds_little(root, checks)
    with Workspace() as directory:
        lives(root, directory, checks)
        checks.end("the image")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
