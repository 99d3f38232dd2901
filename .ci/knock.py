#!/usr/bin/env python3
"""Eight readers that keep connecting: knock.py HOST:PORT PATH FILE asks until FILE is there, at most a minute.

Says how many requests were made, how many connections were refused, how many broke off without an answer, and how many
had another answer than 200. The status is 0 if all were answered with 200.
"""
import collections
import http.client
import os
import sys
import threading
import time

address, path, enough = sys.argv[1:]
counts = collections.Counter()
end = time.monotonic() + 60


def ask():
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return "answered" if connection.getresponse().status == 200 else "not answered with 200"
    except ConnectionRefusedError:
        return "refused"
    except (OSError, http.client.HTTPException):
        return "broken off"
    finally:
        connection.close()


def reader():
    while not os.path.exists(enough) and time.monotonic() < end:
        outcome = ask()
        with lock:
            counts[outcome] += 1


lock = threading.Lock()
readers = [threading.Thread(target=reader) for _ in range(8)]
for thread in readers:
    thread.start()
for thread in readers:
    thread.join()
bad = ["refused", "broken off", "not answered with 200"]
print(f"{counts.total()} requests, " + ", ".join(f"{counts[outcome]} {outcome}" for outcome in bad))
sys.exit(not 0 < counts["answered"] == counts.total())
