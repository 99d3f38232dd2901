#!/usr/bin/env python3
"""The real program behind real proxies: proxies.py SCENE. Upstream listens on an address of its own and sees whence it
is asked; each proxy asks from another one."""
import json
import sys
import time

from proxy import Http, Socks, can_have_hosts
from rig import Checks, Daemon, Workspace, wait_for
from upstream import Upstream, certificate

NAME = "kettle"
# Where upstream is, and whence the proxies ask.
UPSTREAM, FIRST, SECOND = "127.0.0.2", "127.0.0.11", "127.0.0.12"
SECRET = "kept3secret"
# A poll every second, give or take, and the machine's own slowness.
SOON = 5
# A way that failed once is left alone for 30 seconds.
REST = 30


class Bridge(Daemon):
    """The daemon over one channel of `upstream` through proxies, given as URLs. Closed, it must have kept the secret."""

    def __init__(self, directory, upstream, proxies, checks, **more):
        self.upstream, self.checks = upstream, checks
        way = f"proxy = {json.dumps(proxies)}" if proxies else ""
        folder = directory / f"daemon-{time.monotonic_ns()}"
        folder.mkdir()
        super().__init__(folder, [upstream.url], [NAME], upstream=way, posts=1000, **more)

    def __exit__(self, kind, *rest):
        if kind is None:
            shown = [self.get(path)[2].decode() for path in ("/health", "/metrics", "/", "/status/atom.xml")]
            log = (self.directory / "daemon.log").read_text()
            self.checks.that(SECRET not in "".join([*shown, log]), "the password is shown")
            self.complete()
        super().__exit__(kind, *rest)

    def health(self):
        return json.loads(self.get("/health")[2])

    def way(self, proxy):
        """What health says of it; nothing before polling has begun."""
        return next((host for host in self.health()["hosts"] if host.get("proxy") == proxy.shown), {})

    def state(self):
        return self.health()["channels"][0]["state"]

    def is_fine(self):
        # The stand-in's posts are of long ago.
        return self.state() in ("ok", "quiet")

    def breaker(self, proxy):
        lines = self.get("/metrics")[2].decode().splitlines()
        return next(line[-1] for line in lines if line.startswith("feedbridge_upstream_breaker") and proxy.shown in line)

    def shows(self, post):
        return any(item["id"].endswith(f"/{post}") for item in self.items(NAME))

    def brings(self, seconds, what):
        """Upstream posts; how long it took until a reader had it."""
        began, post = time.monotonic(), self.upstream.post(NAME, "Water")
        wait_for(f"{what}: a new post", lambda: self.shows(post), seconds)
        return time.monotonic() - began

    def complete(self):
        ids = sorted(int(item["id"].rsplit("/", 1)[1]) for item in self.items(NAME))
        self.checks.equal(ids, sorted(self.upstream.texts(NAME)), "the posts in the feed, each once")


def upstream(**where):
    stand_in = Upstream([NAME], **{"address": UPSTREAM, **where})
    for number in range(3):
        stand_in.post(NAME, f"Water {number}")
    return stand_in


def arrive(directory, checks):
    """Posts come through each kind of proxy, and upstream is asked by nobody else."""
    world = upstream()
    with Bridge(directory, world, [], checks) as daemon:
        daemon.brings(SOON, "directly")
        checks.equal(set(world.peers), {"127.0.0.1"}, "who asks without a proxy")
    for kind in (Socks, Http):
        for credentials in (None, f"me:{SECRET}"):
            who = f"{kind.__name__} with{'' if credentials else 'out'} a password"
            world = upstream()
            with kind(directory, FIRST, credentials=credentials) as proxy:
                with Bridge(directory, world, proxy.url(), checks) as daemon:
                    daemon.brings(SOON, who)
                    checks.equal(set(world.peers), {FIRST}, f"{who}: who asks")
                    checks.equal(daemon.way(proxy)["breaker"], "closed", f"{who}: its breaker")


def names(directory, checks):
    """With socks5h:// a name is the proxy's to look up, with socks5:// this machine's."""
    world = upstream()
    world.url = world.url.replace(UPSTREAM, "localhost")
    with Socks(directory, FIRST, hosts=f"{UPSTREAM} localhost\n") as proxy:
        with Bridge(directory, world, proxy.url("socks5h"), checks) as daemon:
            daemon.brings(SOON, "socks5h")
            checks.equal(set(world.peers), {FIRST}, "socks5h: who asks")
            checks.that("localhost:" in proxy.said(), f"the proxy was given the name: {proxy.said()}")
        asked = len(world.peers)
        world.posts[NAME].clear()
        with Bridge(directory, world, proxy.url("socks5"), checks) as daemon:
            wait_for("socks5: nobody is there", lambda: daemon.state() == "unreachable")
            checks.equal(len(world.peers), asked, "socks5: requests upstream")


def failover(directory, checks):
    """The second proxy takes over when the first is killed, until the first is back."""
    world = upstream()
    with Socks(directory, FIRST, credentials=f"me:{SECRET}") as first, Socks(directory, SECOND) as second:
        with Bridge(directory, world, [first.url(), second.url()], checks) as daemon:
            daemon.brings(SOON, "the first")
            checks.equal(set(world.peers), {FIRST}, "who asks while the first works")
            first.kill()
            took = daemon.brings(SOON, "the second")
            checks.equal(world.peers[-1], SECOND, "who asks once the first is dead")
            # One channel's trouble is the channel's until it has come thrice in a row.
            wait_for("the first is left alone", lambda: daemon.way(first)["breaker"] == "open", SOON)
            way = daemon.way(first)
            print(f"failover: the next post came after {took:.1f} s; {way['error']}")
            checks.that("Connection refused" in way["error"] and first.shown in way["error"], f"its error: {way['error']}")
            checks.equal((daemon.breaker(first), daemon.breaker(second)), ("2", "0"), "the metrics of both")
            checks.equal((daemon.way(second)["in_use"], way["in_use"]), (True, False), "which is in use")
            checks.that(daemon.is_fine(), "the channel's state")
            first.start()
            began = time.monotonic()
            wait_for("the first is used again", lambda: world.peers[-1] == FIRST, REST + SOON)
            print(f"failover: back at the first after {time.monotonic() - began:.1f} s")
            daemon.brings(SOON, "the first again")
            checks.equal((daemon.way(first)["breaker"], daemon.breaker(first)), ("closed", "0"), "its breaker again")


def silence(directory, checks):
    """A proxy that takes connections but says nothing is left after the time for an answer, or for a connection."""
    for kind in (Socks, Http):
        world, who = upstream(), kind.__name__
        with kind(directory, FIRST) as first, kind(directory, SECOND) as second:
            with Bridge(directory, world, [first.url(), second.url()], checks) as daemon:
                daemon.brings(SOON, "the first")
                first.pause()
                took = daemon.brings(30 + SOON, f"{who}: the second")
                print(f"silence: through the second {who} after {took:.1f} s; {daemon.way(first)['error']}")
                checks.equal(world.peers[-1], SECOND, f"{who}: who asks while the first is silent")
                checks.that("timed out" in daemon.way(first)["error"], f"{who}: {daemon.way(first)['error']}")
                first.go_on()


def passwords(directory, checks):
    """A wrong password is said to be one, and the next proxy is used."""
    for kind, said in ((Socks, "credentials"), (Http, "refuses user or password")):
        world, who = upstream(), kind.__name__
        with kind(directory, FIRST, credentials="me:another") as first, Socks(directory, SECOND) as second:
            with Bridge(directory, world, [first.url(credentials=f"me:{SECRET}"), second.url()], checks) as daemon:
                daemon.brings(SOON, who)
                error = daemon.way(first)["error"]
                print(f"passwords: {error}")
                checks.that(said in error and first.shown in error, f"{who}: {error}")
                checks.equal(set(world.peers), {SECOND}, f"{who}: who asks")


def down(directory, checks):
    """With all proxies dead the channel is unreachable, its feed is served, and one that is back brings all posts."""
    world = upstream()
    with Socks(directory, FIRST) as first, Http(directory, SECOND) as second:
        with Bridge(directory, world, [first.url(), second.url()], checks) as daemon:
            daemon.brings(SOON, "before")
            before = daemon.get(f"/{NAME}/atom.xml")[2]
            first.kill()
            second.kill()
            asked = len(world.peers)
            wait_for("the channel is unreachable", lambda: daemon.state() == "unreachable")
            for _ in range(30):
                world.post(NAME, "While all was dark")
            health = daemon.health()
            print("down:", health["channels"][0]["last_error"])
            checks.equal((daemon.get("/health")[0], health["status"]), (503, "down"), "health")
            checks.that("upstream.proxy" in health["channels"][0]["advice"], "the advice names the setting")
            wait_for("both are left alone", lambda: all(way["breaker"] != "closed" for way in daemon.health()["hosts"]))
            checks.that(daemon.get(f"/{NAME}/atom.xml")[2] == before, "the feed is as before")
            checks.equal(len(world.peers), asked, "requests that went around the proxies")
            second.start()
            began = time.monotonic()
            wait_for("all posts", lambda: len(daemon.items(NAME)) == len(world.texts(NAME)), REST + 2 * SOON)
            print(f"down: all posts {time.monotonic() - began:.1f} s after one was back")
            checks.equal(set(world.peers[asked:]), {SECOND}, "who asks")
            checks.that(daemon.is_fine(), "the channel's state")


def six(directory, checks):
    """Upstream and proxy on IPv6, where loopback has one address: a dead proxy shows that nothing goes around it."""
    for kind in (Socks, Http):
        world, who = upstream(address="::1"), f"{kind.__name__} on [::1]"
        with kind(directory, None, listen="::1") as proxy:
            with Bridge(directory, world, proxy.url(), checks) as daemon:
                daemon.brings(SOON, who)
                checks.equal(daemon.way(proxy)["proxy"], proxy.shown, f"{who}: as health shows it")
                proxy.kill()
                wait_for(f"{who}: nothing goes around it", lambda: daemon.state() == "unreachable")


def https(directory, checks):
    """What real upstreams are: a name that only the proxy knows, and TLS from end to end through it."""
    name = "preview.test"
    hosts = f"{UPSTREAM} {name}\n"
    authority, context = certificate(directory, name)
    environment = {"SSL_CERT_FILE": str(authority)}
    for kind, said in ((Socks, "credentials"), (Http, "tunnel")):
        world, who = upstream(tls=context, name=name), f"https through {kind.__name__}"
        with kind(directory, FIRST, credentials=f"me:{SECRET}", hosts=hosts) as proxy:
            # Real hosts are polled once a minute at most; the first poll is at once.
            with Bridge(directory, world, proxy.url(), checks, interval=60, environment=environment) as daemon:
                wait_for(f"{who}: the posts", lambda: len(daemon.items(NAME)) == 3)
                checks.equal(set(world.peers), {FIRST}, f"{who}: who asks")
            asked = len(world.peers)
            with Bridge(directory, world, proxy.url(), checks, interval=60) as daemon:
                untrusted = wait_for(f"{who}: an error", lambda: daemon.way(proxy).get("error"))
                checks.that("certificate" in untrusted, f"{who}, not trusted: {untrusted}")
                checks.equal(len(world.peers), asked, f"{who}, not trusted: requests")
                world.posts[NAME].clear()
            with Bridge(directory, world, proxy.url(credentials="me:wrong"), checks, interval=60, environment=environment) as daemon:
                error = wait_for(f"{who}: an error", lambda: daemon.way(proxy).get("error"))
                print(f"https: {error}")
                checks.that(said in error and proxy.shown in error, f"{who}, wrong password: {error}")


SCENES = {scene.__name__: scene for scene in (arrive, names, failover, silence, passwords, down, six, https)}


def main():
    scene = SCENES[sys.argv[1]]
    if scene in (names, https) and not can_have_hosts():
        print("cannot give a proxy an /etc/hosts of its own here")
        sys.exit(1)
    checks = Checks()
    with Workspace() as directory:
        scene(directory, checks)
        checks.end(f"proxies, {scene.__name__}")


main()
