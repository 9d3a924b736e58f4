#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists and reads a store with public tools only: libsodium, zstd and sha256. inspect_store.py STORE [--passphrase P] [--get ID]"""
import argparse, ctypes, ctypes.util, hashlib, hmac, json, pathlib, struct, subprocess, sys

args = argparse.ArgumentParser(description=__doc__)
args.add_argument("store", type=pathlib.Path)
args.add_argument("--passphrase")
args.add_argument("--get", metavar="ID", help="write this artifact's content to stdout")
args = args.parse_args()
sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
sodium.sodium_init()

def opened(name, key, nonce, bound, sealed):
    out = ctypes.create_string_buffer(max(1, len(sealed) - 16))
    if getattr(sodium, f"crypto_aead_{name}_decrypt")(out, None, None, sealed, ctypes.c_ulonglong(len(sealed)), bound, ctypes.c_ulonglong(len(bound)), nonce, key):
        raise ValueError("tag does not fit")
    return out.raw[:len(sealed) - 16]

def unwrap(key, bound, wrapped):  # nonce (24) || sealed || tag (16)
    return opened("xchacha20poly1305_ietf", key, wrapped[:24], bound, wrapped[24:])

head = json.loads((args.store / "store.json").read_text())
repository = bytes.fromhex(head["repository"])
suite = head["suite"]
if suite != "none":
    for slot in head["slots"]:
        if slot["kind"] != "passphrase":
            continue
        kek, secret = ctypes.create_string_buffer(32), (args.passphrase or "").encode()
        sodium.crypto_pwhash_argon2id(kek, ctypes.c_ulonglong(32), secret, ctypes.c_ulonglong(len(secret)), bytes.fromhex(slot["salt"]),
                                      ctypes.c_ulonglong(slot["argon2id"]["operations"]), ctypes.c_size_t(slot["argon2id"]["memory_bytes"]), 2)
        if hmac.digest(kek.raw, b"symphony-store slot check 1", "sha256")[:8].hex() == slot["check"]:
            master = unwrap(kek.raw, b"symphony-store slot 1 " + slot["id"].encode() + repository, bytes.fromhex(slot["wrapped"]))
            break
    else:
        sys.exit("error: wrong passphrase")

blobs, records = {}, []
for path in sorted(args.store.glob("packs/*/*.pack")) + sorted(args.store.glob("open/*.pack")):
    data, pack = path.read_bytes(), bytes.fromhex(path.stem)
    if suite != "none":
        key = unwrap(master, b"symphony-store pack key 1" + repository + pack, data[68:68 + 72])
    at = 512
    while data[at:at + 4] == b"SYB1":
        kind, flags, raw, stored, counter = struct.unpack("<BBxxIII", data[at + 4:at + 20])
        body = data[at + 64:at + 64 + stored]
        if suite != "none":
            name, size = ("aes256gcm", 12) if suite == "aes-256-gcm" else ("xchacha20poly1305_ietf", 24)
            bound = b"symphony-store blob 1" + repository + pack + data[at:at + 56]
            body = opened(name, key, struct.pack("<Q", counter).rjust(size, b"\0"), bound, body)
        if flags & 1:
            body = subprocess.run(["zstd", "-dcq"], input=body, capture_output=True, check=True).stdout
        assert len(body) == raw
        if kind == 3:
            records.append(body)
        elif kind in (1, 2):
            blobs[data[at + 24:at + 56]] = body
        at += 64 + stored

def field(data, at):  # length (4) || bytes
    size = struct.unpack_from("<I", data, at)[0]
    return data[at + 4:at + 4 + size], at + 4 + size

newest = {}
for batch in records:
    at = 9
    for _ in range(struct.unpack_from("<I", batch, 5)[0]):
        kind, _action, gone, sequence, _time = struct.unpack_from("<BBBQQ", batch, at)
        key, at = field(batch, at + 19)
        _actor, at = field(batch, at)
        _detail, at = field(batch, at)
        value, at = field(batch, at)
        if kind != 6 and newest.get((kind, key), (0,))[0] < sequence:
            newest[kind, key] = (sequence, gone, value)

def parts(data, at):
    count = struct.unpack_from("<I", data, at)[0]
    return [data[at + 4 + 40 * i:at + 36 + 40 * i] for i in range(count)]

def content(value):  # of the record of an artifact
    ids = parts(value, 18)
    if value[17] & 1:
        ids = [chunk for one in ids for chunk in parts(blobs[one], 0)]
    return b"".join(blobs[one] for one in ids)

for (kind, key), (_, gone, value) in sorted(newest.items()):
    if gone:
        continue
    if kind == 1:
        data = content(value)
        assert hashlib.sha256(data).digest() == key, "the content is not that of its id"
        if args.get == key.hex():
            sys.stdout.buffer.write(data)
        elif not args.get:
            print("artifact", key.hex(), len(data))
    elif kind == 2 and not args.get:
        print("version", key[4:].decode() + "@" + str(int.from_bytes(key[:4], "big")), value[1:33].hex())
