"""The container image, run: python image.py ROOT, where ROOT is the image's file system.

By user 65532, on a root that cannot be written, with the image's own configuration and command: it serves, follows a name,
says that it is well, stops within its time, and goes on with what it kept."""
import os
import pathlib
import subprocess
import sys
import tempfile

from rig import Checks, free_port, wait_for
from upstream import Upstream
import urllib.error
import urllib.request

USER = 65532
COMMAND = ["/usr/bin/feedbridge", "--config", "/etc/feedbridge/config.toml"]
# In a mount namespace of its own: the root can only be read, and /data is the volume.
ENTER = """
mount --bind "$1" "$1" && mount --bind "$2" "$1/data" && mount -o remount,ro,bind "$1" && shift 2 &&
exec chroot --userspec=65532:65532 "$root" "$@"
"""


class Container:
    def __init__(self, root, data, upstream):
        self.root, self.data, port = root, data, free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            "PATH": os.environ["PATH"], "root": str(root), "FEEDBRIDGE_SERVER__LISTEN": f"0.0.0.0:{port}",
            "FEEDBRIDGE_SERVER__PUBLIC_URL": self.url, "FEEDBRIDGE_UPSTREAM__HOSTS": upstream.url,
            "FEEDBRIDGE_POLL__FLOOR_SECONDS": "1", "FEEDBRIDGE_CHANNELS": "kettle",
        }

    def run(self, *words, **options):
        command = ["unshare", "--mount", "sh", "-c", ENTER, "sh", self.root, self.data, *COMMAND, *words]
        return subprocess.Popen(command, env=self.environment, text=True, **options)

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def health(self):
        process = self.run("health", "--live", stdout=subprocess.PIPE)
        return process.communicate(timeout=20)[0].split("\n")[0], process.returncode


def files(root):
    """What the root holds, but for the volume."""
    return sorted((str(path.relative_to(root)), path.lstat().st_size, path.lstat().st_mtime)
                  for path in root.rglob("*") if not path.relative_to(root).parts[0] == "data")


def life(checks, container, path, words):
    process = container.run(stderr=subprocess.PIPE)
    try:
        wait_for("it is ready", lambda: container.get("/readyz")[0] == 200)
        found = wait_for(path, lambda: (answer := container.get(path))[0] == 200 and answer)
        checks.that(words in found[1], f"{path} has {words}")
        checks.equal(container.health(), ("ok", 0), "its health")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        checks.that(f"Uid:\t{USER}\t{USER}" in status, "it runs as another user")
        process.terminate()
        checks.equal(process.wait(timeout=15), 0, "it stops when it is told to")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def main(root):
    checks = Checks()
    shells = [path for path in root.rglob("*") if path.name in ("sh", "bash", "busybox", "dash")]
    checks.equal(shells, [], "shells in the image")
    checks.that(sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) <= 30_000_000, "30 MB at most")
    upstream = Upstream(["kettle", "spout"])
    for name in ("kettle", "spout"):
        upstream.post(name, f"Tea of {name}")
    with tempfile.TemporaryDirectory() as data:
        os.chown(data, USER, USER)
        before = files(root)
        container = Container(root, pathlib.Path(data), upstream)
        life(checks, container, "/kettle/atom.xml", "Tea of kettle")
        life(checks, container, "/spout/feed.json", "Tea of spout")
        upstream.server.shutdown()
        upstream.server.server_close()
        process = container.run(stderr=subprocess.PIPE)
        wait_for("it is ready again", lambda: container.get("/readyz")[0] == 200)
        checks.that("Tea of spout" in container.get("/spout/atom.xml")[1], "what it kept is there without upstream")
        process.terminate()
        checks.equal(process.wait(timeout=15), 0, "it stops with upstream gone")
        checks.equal(files(root), before, "nothing is written but in the volume")
    checks.end("the image")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
