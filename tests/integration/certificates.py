# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities for tests, made with the openssl program."""

import shutil
import ssl
import subprocess

is_here = shutil.which("openssl") is not None


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """Who signs certificates of servers. `file` is what somebody who trusts it is given."""

    def __init__(self, folder, name="The house"):
        folder.mkdir(parents=True)
        self.folder, self.key, self.file = folder, folder / "authority.key", folder / "authority.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.file, "-days", 30, "-subj", f"/CN={name}")

    def server(self, name, names="IP:127.0.0.1", days=30):
        """What a server with a certificate for `names` wraps its socket with; negative days are over."""
        key, request, extensions, certificate = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "ext", "pem"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-days", days, "-extfile", extensions, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def folder_of_trusted(self):
        """As SSL_CERT_DIR names it."""
        folder = self.folder / "trusted"
        folder.mkdir()
        shutil.copy(self.file, folder)
        openssl("rehash", folder)
        return folder
