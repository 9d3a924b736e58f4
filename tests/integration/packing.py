# SPDX-License-Identifier: Apache-2.0
"""A packer of its own, written from plugins/packaging/docs/package.md, and the minisign program as the signer."""

import hashlib
import io
import re
import shutil
import subprocess
import tarfile


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def file_list(files):
    """The text of FILES for {path: bytes}."""
    return "".join(f"0644 {len(content)} {sha256(content)} {path}\n" for path, content in sorted(files.items(), key=lambda item: item[0].encode())).encode()


def tar_of(entries):
    """A tar of (path, content) or of whole TarInfo objects with content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in entries:
            info = path if isinstance(path, tarfile.TarInfo) else tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zstd(content):
    return subprocess.run(["zstd", "-q", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout


def content_of(folder):
    """What a package of the plugin in this folder has."""
    manifest = (folder / "manifest.toml").read_bytes()
    library = re.search(rb'\[\[artifact\]\][^\[]*?\npath = "([^"]+)"', manifest)[1].decode()
    return {"manifest.toml": manifest, library: (folder / library).read_bytes(), "LICENSE": b"Apache-2.0\n"}


def entries_of(files):
    rest = sorted((path for path in files if path != "manifest.toml"), key=str.encode)
    return [("manifest.toml", files["manifest.toml"]), ("FILES", file_list(files)), *[(path, files[path]) for path in rest]]


def name_of(files):
    manifest = files["manifest.toml"].decode()
    return re.search(r'\nid = "([^"]+)"', manifest)[1], re.search(r'\nversion = "([^"]+)"', manifest)[1]


def pack(files, to):
    """Writes the package into the folder `to`; returns its path."""
    identity, version = name_of(files)
    path = to / f"{identity}-{version}-x86_64-linux-gnu.sympkg"
    path.write_bytes(zstd(tar_of(entries_of(files))))
    return path


class Signer:
    """A publisher's key, made by minisign."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.secret, self.public_file = folder / "key.sec", folder / "key.pub"
        subprocess.run(["minisign", "-G", "-W", "-f", "-s", self.secret, "-p", self.public_file], check=True, capture_output=True)
        self.key = self.public_file.read_text().splitlines()[1]

    def sign(self, package, files):
        identity, version = name_of(files)
        comment = f"id:{identity}\tversion:{version}\tdigest:{sha256(file_list(files))}"
        subprocess.run(["minisign", "-S", "-s", self.secret, "-m", package, "-t", comment], check=True, capture_output=True)

    @staticmethod
    def is_here():
        return shutil.which("minisign") is not None and shutil.which("zstd") is not None
