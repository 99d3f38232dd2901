"""What a disk may hold after the power failed: from the files before a program's start, and the trace that shim.c wrote
of what the program asked for.

Durable is what a sync of the file covered, and, for names, what a sync of their directory covered. Of everything else
each file keeps, by chance: nothing; a prefix of the operations, the last cut at 512 bytes; a subset of the 512-byte
sectors written; all. Each directory keeps a prefix of its changes of names (a rename is one change). A file whose name
was not made durable is not there, however well its bytes were synced.
"""
import os
import pathlib
import struct

SECTOR = 512


class File:
    def __init__(self, data=b""):
        self.durable, self.pending = bytearray(data), []

    def sync(self):
        for operation in self.pending:
            apply(self.durable, operation)
        self.pending = []

    def after_crash(self, random):
        kind = random.choice(("none", "prefix", "sectors", "all"))
        data = bytearray(self.durable)
        if kind == "none":
            return data
        keep = random.randint(0, len(self.pending)) if kind == "prefix" else len(self.pending)
        for operation in self.pending[:keep]:
            if kind != "sectors" or operation[0] == "T":
                apply(data, operation)
            else:
                for sector in sectors(operation):
                    if random.random() < 0.5:
                        apply(data, sector)
        if kind == "prefix" and keep < len(self.pending) and self.pending[keep][0] == "W":
            first = list(sectors(self.pending[keep]))
            for sector in first[:random.randint(0, len(first))]:
                apply(data, sector)
        return data


class Directory:
    def __init__(self):
        self.durable, self.live, self.pending = {}, {}, []

    def change(self, *changes):
        """`changes`: (name, node or None), made as one."""
        self.pending.append(changes)
        for name, node in changes:
            self.live[name] = node
            if node is None:
                del self.live[name]

    def sync(self):
        self.durable, self.pending = dict(self.live), []

    def after_crash(self, random):
        entries = dict(self.durable)
        for changes in self.pending[:random.randint(0, len(self.pending))]:
            for name, node in changes:
                entries[name] = node
                if node is None:
                    del entries[name]
        return entries


def apply(data, operation):
    kind, where, written = operation
    if kind == "T":
        if where < len(data):
            del data[where:]
        data.extend(bytes(where - len(data)))
    else:
        data.extend(bytes(max(0, where - len(data))))
        data[where:where + len(written)] = written


def sectors(write):
    _, offset, data = write
    at = 0
    while at < len(data):
        step = SECTOR - (offset + at) % SECTOR
        yield "W", offset + at, data[at:at + step]
        at += step


class Image:
    """A tree of files under a root that itself is durable only once its parent was synced, or was there before."""

    def __init__(self, root):
        self.root, self.above = pathlib.Path(root), Directory()

    @classmethod
    def load(cls, root):
        """What is on the disk now, all of it durable."""
        image = cls(root)
        if image.root.exists():
            image.above.change((image.root.name, read(image.root)))
            image.above.sync()
        return image

    def parent(self, path):
        """The directory that holds `path` and the name in it."""
        parts = pathlib.Path(path).relative_to(self.root.parent).parts
        node = self.above
        for part in parts[:-1]:
            node = node.live[part]
        return node, parts[-1]

    def find(self, path):
        directory, name = self.parent(path)
        return directory.live.get(name)

    def store(self, root):
        root = pathlib.Path(root)
        if root.exists():
            remove(root)
        if self.root.name in self.above.live:
            write(self.above.live[self.root.name], root)


def read(path):
    if not path.is_dir():
        return File(path.read_bytes())
    directory = Directory()
    for child in path.iterdir():
        directory.change((child.name, read(child)))
    directory.sync()
    return directory


def write(node, path):
    if isinstance(node, File):
        path.write_bytes(node.durable)
        return
    path.mkdir()
    for name, child in node.live.items():
        write(child, path / name)


def remove(path):
    for folder, folders, files in os.walk(path, topdown=False):
        for name in files:
            os.unlink(os.path.join(folder, name))
        for name in folders:
            os.rmdir(os.path.join(folder, name))
    os.rmdir(path)


def records(trace):
    data, at = pathlib.Path(trace).read_bytes(), 0
    while at + 17 <= len(data):
        kind, fd, number, length = struct.unpack_from("<ciQI", data, at)
        if at + 17 + length > len(data):
            return
        yield kind.decode(), fd, number, data[at + 17:at + 17 + length]
        at += 17 + length


def replay(image, trace, counts):
    opened = {}
    for kind, fd, number, text in records(trace):
        if kind == "O":
            path = text.decode()
            node = image.find(path)
            if node is None:
                directory, name = image.parent(path)
                node = File()
                directory.change((name, node))
            if number & os.O_TRUNC and isinstance(node, File):
                node.pending.append(("T", 0, b""))
            opened[fd] = node
        elif kind in "WT":
            opened[fd].pending.append((kind, number, text))
            counts["writes"] += 1
        elif kind == "S":
            opened[fd].sync()
            counts["syncs"] += 1
        elif kind == "M":
            directory, name = image.parent(text.decode())
            directory.change((name, Directory()))
        elif kind == "U":
            directory, name = image.parent(text.decode())
            directory.change((name, None))
        elif kind == "R":
            old, new = text.decode().split("\0")
            node = image.find(old)
            (source, from_name), (target, to_name) = image.parent(old), image.parent(new)
            assert source is target, "a rename across directories is not modelled"
            source.change((from_name, None), (to_name, node))


def settle(node, random, counts):
    """The node as it is found after the crash."""
    if isinstance(node, File):
        counts["unsynced operations"] += len(node.pending)
        return File(node.after_crash(random))
    after = Directory()
    for name, child in node.after_crash(random).items():
        after.change((name, settle(child, random, counts)))
    return after


def crash(image, trace, random, counts):
    """The image after the power failed where the trace ends."""
    replay(image, trace, counts)
    after = Image(image.root)
    # The parent of the root belongs to whoever installs the program; a program may sync it, which the shim does not see.
    for name, child in image.above.live.items():
        after.above.change((name, settle(child, random, counts)))
    return after
