# SPDX-License-Identifier: Apache-2.0
"""A registry written from plugins/packaging/docs/registry.md, with minisign as the signer, and web servers that hand it out well and badly."""

import contextlib
import datetime
import http.server
import json
import subprocess
import sys
import threading
import time
import tomllib

from packing import Signer, entries_of, file_list, pack, sha256, tar_of, zstd

TRIPLE = "x86_64-linux-gnu"


def plugin_files(identity, version, library=b"a library", more="", triple=TRIPLE):
    """The files of a plugin that can be installed, though nobody can map its library."""
    name = identity.rpartition(".")[2]
    manifest = (f'[extension]\nid = "{identity}"\nname = "{name}"\nversion = "{version}"\ntype = "operator"\nlicense = "MIT"\ndescription = "Does {name}"\n{more}\n'
                f'[[artifact]]\ntriple = "{triple}"\npath = "lib{name}.so"\nsize = {len(library)}\nsha256 = "{sha256(library)}"\n')
    return {"manifest.toml": manifest.encode(), f"lib{name}.so": library, "LICENSE": b"MIT\n", "sbom.cdx.json": b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}\n'}


class Registry:
    """Static files in a folder. What it does wrong, it does because a test asks for it."""

    def __init__(self, folder, keys, name="main"):
        self.folder, self.name = folder, name
        self.root, self.online = Signer(keys / "root"), Signer(keys / "online")
        self.number, self.root_version, self.lines, self.days = 0, 0, {}, 14
        self.advisories = {}
        self.write("config.toml", f'format = 1\nname = "{name}"\ntitle = "A registry"\n')
        self.new_root()
        self.sign_snapshot()

    def write(self, path, content):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    @staticmethod
    def number_of(signer):
        """The number of a key, as minisign shows it, but always with 16 digits."""
        return signer.public_file.read_text().splitlines()[0].rpartition(" ")[2].zfill(16)

    def sign(self, signer, file, signature):
        subprocess.run(["minisign", "-S", "-s", signer.secret, "-m", file, "-x", self.folder / signature, "-t", self.name], check=True, capture_output=True)

    @staticmethod
    def when(days):
        return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def new_root(self, more="", days=365, also=()):
        """The next root; `also` are keys of the one before that sign it, too."""
        self.root_version += 1
        text = (f'format = 1\nregistry = "{self.name}"\nversion = {self.root_version}\nexpires = "{self.when(days)}"\n\n[[root]]\nthreshold = 1\nkeys = ["{self.root.key}"]\n\n'
                f'[[snapshot]]\nthreshold = 1\nkeys = ["{self.online.key}"]\n{more}')
        self.write("root.toml", text)
        file = self.write(f"root/{self.root_version}.toml", text)
        for signer in (self.root, *also):
            self.sign(signer, file, f"root/{self.root_version}.{self.number_of(signer)}.minisig")

    def add(self, files, signer, line=None):
        """Publishes a package; `line` alters what the index says."""
        manifest = tomllib.loads(files["manifest.toml"].decode())
        identity, version = manifest["extension"]["id"], manifest["extension"]["version"]
        folder = self.folder / "packages" / identity
        folder.mkdir(parents=True, exist_ok=True)
        package = pack(files, folder)
        signer.sign(package, files)
        content = package.read_bytes()
        entry = {"id": identity, "version": version, "abi": manifest.get("abi", {}).get("version", "1.0"),
                 "artifacts": [{"triple": TRIPLE, "size": len(content), "sha256": sha256(content), "files": sha256(file_list(files))}],
                 "manifest": sha256(files["manifest.toml"]), "signer": signer.key, "name": manifest["extension"]["name"],
                 "description": manifest["extension"].get("description", ""), "license": "MIT"}
        needs = [{"id": name, "range": wanted} for name, wanted in sorted(manifest.get("dependencies", {}).items())]
        if needs:
            entry["needs"] = needs
        entry |= line or {}
        self.lines.setdefault(identity, []).append(json.dumps(entry))
        return package

    def sign_snapshot(self, number=None, signer=None):
        self.number = self.number + 1 if number is None else number
        lists = {}
        for identity, lines in self.lines.items():
            place = sha256(identity.encode())
            content = "".join(line + "\n" for line in lines).encode()
            self.write(f"index/{place[:2]}/{place[2:4]}/{identity}.jsonl", content)
            lists.setdefault(place[:2], []).append((identity, f"{sha256(content)} {len(content)} {identity}\n"))
        text = (f'format = 1\nregistry = "{self.name}"\nnumber = {self.number}\nroot = {self.root_version}\nexpires = "{self.when(self.days)}"\n'
                f'config = "sha256:{sha256((self.folder / "config.toml").read_bytes())}"\n\n[shards]\n')
        for shard, entries in sorted(lists.items()):
            content = "".join(line for _, line in sorted(entries)).encode()
            self.write(f"index/{shard}/{sha256(content)}.list", content)
            text += f'"{shard}" = "sha256:{sha256(content)}"\n'
        if self.advisories:
            text += "\n[advisories]\n" + "".join(f'"{name}" = "sha256:{digest}"\n' for name, digest in sorted(self.advisories.items()))
        file = self.write("snapshot.toml", text)
        signer = signer or self.online
        self.sign(signer, file, f"snapshot.{self.number}.{self.number_of(signer)}.minisig")

    def advise(self, name, identity, title):
        """Says of the newest version that something is wrong with it."""
        text = f'format = 1\nid = "{name}"\ntitle = "{title}"\nseverity = "high"\ntext = "Do not use it."\n'
        self.advisories[name] = sha256(self.write(f"advisories/{name}.toml", text).read_bytes())
        self.lines[identity].append(json.dumps(json.loads(self.lines[identity][-1]) | {"advisories": [name]}))
        self.sign_snapshot()

    def publish(self, files, signer, line=None):
        self.add(files, signer, line)
        self.sign_snapshot()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Hands out the server's folder; for paths that contain the server's `where` it misbehaves as its `how` says."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.how and self.server.where in self.path:
            self.close_connection = True
            with contextlib.suppress(OSError):
                getattr(self, self.server.how)()
            return
        super().do_GET()

    def content(self):
        with open(self.translate_path(self.path), "rb") as file:
            return file.read()

    def head(self, status="200 OK", **fields):
        text = f"HTTP/1.1 {status}\r\n" + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.wfile.write(text.encode() + b"\r\n")

    def missing(self):
        self.head("404 Not Found", Content_Length=0)

    def failing(self):
        self.head("500 Internal Server Error", Content_Length=0)

    def forbidden(self):
        self.head("403 Forbidden", Content_Length=0)

    def elsewhere(self):
        self.head("302 Found", Location=self.server.location or "http://169.254.169.254/latest", Content_Length=0)

    def cut(self):
        content = self.content()
        self.head(Content_Length=len(content))
        self.wfile.write(content[: len(content) // 2])

    def longer(self):
        """Says less than it sends."""
        content = self.content()
        self.head(Content_Length=len(content) - 10)
        self.wfile.write(content)

    def huge(self):
        self.head(Content_Length=1 << 45)

    def endless(self):
        self.head()
        while not self.server.stopping.is_set():
            self.wfile.write(b"x" * 65536)

    def silent(self):
        self.server.stopping.wait(600)

    def dribbling(self):
        content = self.content()
        self.head(Content_Length=len(content))
        for byte in content:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.stopping.wait(0.05):
                return

    def packed(self):
        self.head(Content_Encoding="gzip", Content_Length=3)
        self.wfile.write(b"abc")

    def not_http(self):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n" + b"\r\n" * 2)

    def other(self):
        """A page of its own for whatever is asked."""
        self.head(Content_Length=17)
        self.wfile.write(b"<html>hello</html"[:17])


class Server(http.server.ThreadingHTTPServer):
    """`protection` is the ssl.SSLContext of a server that speaks TLS."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder, protection=None):
        def handler(*words):
            return Handler(*words, directory=str(folder))
        super().__init__(("127.0.0.1", 0), handler)
        self.protected = protection is not None
        if protection:  # each connection shakes hands in its own thread, so that one that never does holds up nobody
            self.socket = protection.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.how, self.where, self.location, self.asked, self.stopping = None, "", None, [], threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that does not accept the certificate hangs up, which is what tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @property
    def address(self):
        return f"http{'s' if self.protected else ''}://127.0.0.1:{self.server_port}"

    def behave(self, how=None, where="", location=None):
        self.how, self.where, self.location = how, where, location

    def stop(self):
        self.stopping.set()
        self.shutdown()
        self.server_close()
