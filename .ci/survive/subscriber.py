"""A subscriber of the daemon's hub that subscribes again and again, and knows which of its leases must be kept."""
import http.client
import http.server
import threading
import time
import urllib.parse


class Callback(http.server.BaseHTTPRequestHandler):
    """Confirms what it is asked, and takes what it is told."""

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.answer(query.get("hub.challenge", [""])[0].encode())

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Subscriber:
    """Its callbacks stay up while the daemon comes and goes."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Callback)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.asked, self.kept = 0, 0

    def subscribe(self, daemon):
        """Asks for one more lease; whether the daemon took the request."""
        self.asked += 1
        form = urllib.parse.urlencode({
            "hub.mode": "subscribe", "hub.topic": f"http://127.0.0.1:{daemon.port}/{daemon.names[-1]}/atom.xml",
            "hub.callback": f"http://127.0.0.1:{self.server.server_port}/{self.asked}", "hub.lease_seconds": "864000"})
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=5)
        try:
            connection.request("POST", "/hub", form, {"Content-Type": "application/x-www-form-urlencoded"})
            return connection.getresponse().status == 202
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def go_on(self, daemon, stopped):
        """Subscribes, one after the other, until `stopped()`. A lease is in force in memory a moment before it is kept,
        and is kept before the next one is in force: so all but the last that was seen must be there after a crash."""
        while not stopped():
            before = verified(daemon)
            if before is None or not self.subscribe(daemon):
                time.sleep(0.01)
                continue
            end = time.monotonic() + 2
            while not stopped() and time.monotonic() < end:
                now = verified(daemon)
                if now is None or now > before:
                    self.kept = max(self.kept, before)
                    break
                time.sleep(0.002)


def verified(daemon):
    """Subscriptions in force; None while the daemon is down."""
    try:
        return daemon.health().get("hub", {}).get("verified")
    except ValueError:
        return None
