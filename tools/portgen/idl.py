# SPDX-License-Identifier: Apache-2.0
"""Reads and checks port definitions (plugin-api/ports/*.toml)."""

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

SCALARS = ("bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f64")
BLOBS = ("string", "bytes", "value")
THREADS = ("control", "worker", "blocking", "any")
CODES = (
    "invalid_argument", "not_found", "not_granted", "unsupported", "busy", "cancelled", "deadline", "exhausted",
    "conflict", "data_corrupt", "io", "peer_died", "internal", "misuse", "plugin_failed", "abi_mismatch", "refused",
)
# Names that a generated C or C++ identifier cannot have.
RESERVED = set("""alignas alignof and asm auto bool break case catch char class const constexpr continue default
delete do double else enum explicit export extern false final float for friend goto if inline int long mutable
namespace new noexcept not nullptr operator or private protected public register requires return short signed
sizeof static struct switch template this throw true try typedef typename union unsigned using virtual void
volatile while xor call call_options on_answer stdin stdout stderr errno""".split())


class IdlError(Exception):
    """A fault in a definition; the text names file and place."""


@dataclass(frozen=True)
class Type:
    """kind is a scalar, a blob, `record`, `list`, `map` or `optional`."""

    kind: str
    name: str = ""
    item: "Type | None" = None

    def text(self):
        if self.kind == "record":
            return self.name
        if self.kind in ("list", "map"):
            return f"{self.kind}<{self.item.text()}>"
        if self.kind == "optional":
            return self.item.text() + "?"
        return self.kind


@dataclass
class Field:
    name: str
    type: Type
    doc: str = ""
    values: str = ""


@dataclass
class Record:
    name: str
    fields: list
    doc: str = ""


@dataclass
class Constants:
    name: str
    type: str
    values: list  # of (name, value, doc)
    doc: str = ""


@dataclass
class Method:
    id: int
    name: str
    doc: str
    args: list
    returns: Type | None
    returns_doc: str
    emits: Type | None
    emits_doc: str
    thread: str
    idempotent: bool
    errors: list  # of dict(code, reason, doc)

    def signature(self, port):
        args = ",".join(a.type.text() for a in self.args)
        returns = self.returns.text() if self.returns else "void"
        emits = self.emits.text() if self.emits else "nothing"
        return f"{port}:{self.id}:{self.name}({args})->{returns} emits {emits}"

    def hash(self, port):
        digest = hashlib.sha256(self.signature(port).encode()).hexdigest()
        return "0x" + digest[:16]


@dataclass
class Port:
    name: str
    revision: int
    summary: str
    doc: str
    draft: bool
    constants: list = field(default_factory=list)
    records: list = field(default_factory=list)  # dependencies first
    methods: list = field(default_factory=list)
    source: str = ""
    uses: list = field(default_factory=list)  # Ports whose records it takes and gives

    @property
    def id(self):
        return f"{self.name}/{self.revision}"

    @property
    def file(self):
        return self.name.replace("-", "_")

    @property
    def cls(self):
        return "".join(part.capitalize() for part in self.name.split("-"))

    @property
    def folder(self):
        return "draft" if self.draft else "ports"

    def foreign(self):
        """Records of other ports that this one reaches, each once, dependencies first."""
        theirs = {record.name: record for port in self.uses for record in port.records}
        names = [part.name for item in self.records for f in item.fields for part in _walk(f.type) if part.kind == "record"]
        names += [part.name for m in self.methods for t in [a.type for a in m.args] + [m.returns, m.emits] for part in _walk(t) if part.kind == "record"]
        reached, open_ = set(), [name for name in names if name in theirs]
        while open_:
            name = open_.pop()
            if name not in reached:
                reached.add(name)
                open_ += [part.name for f in theirs[name].fields for part in _walk(f.type) if part.kind == "record"]
        return [record for port in self.uses for record in port.records if record.name in reached]

    @property
    def method_max(self):
        return max(m.id for m in self.methods)


def parse_type(text, where):
    text = text.strip()
    if text.endswith("?"):
        item = parse_type(text[:-1], where)
        if item.kind == "optional":
            raise IdlError(f"{where}: an optional of an optional")
        return Type("optional", item=item)
    for kind in ("list", "map"):
        if text.startswith(kind + "<") and text.endswith(">"):
            item = parse_type(text[len(kind) + 1:-1], where)
            return Type(kind, item=item)
    if text in SCALARS or text in BLOBS:
        return Type(text)
    if re.fullmatch(r"[A-Z][A-Za-z0-9]*", text):
        return Type("record", name=text)
    raise IdlError(f"{where}: unknown type \"{text}\"")


def _keys(table, allowed, where):
    unknown = sorted(set(table) - set(allowed))
    if unknown:
        raise IdlError(f"{where}: unknown key \"{unknown[0]}\" (known: {', '.join(sorted(allowed))})")


def _need(table, key, kind, where):
    if key not in table:
        raise IdlError(f"{where}: \"{key}\" is missing")
    if not isinstance(table[key], kind) or (kind is int and isinstance(table[key], bool)):
        raise IdlError(f"{where}: \"{key}\" is not {kind.__name__}")
    return table[key]


def _identifier(name, where):
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in RESERVED:
        raise IdlError(f"{where}: \"{name}\" cannot be a name: snake_case, and no word of C or C++")
    return name


def _fields(tables, where):
    fields, seen = [], set()
    for table in tables:
        name = _identifier(_need(table, "name", str, where), where)
        here = f"{where}.{name}"
        _keys(table, ("name", "type", "doc", "values"), here)
        if name in seen:
            raise IdlError(f"{here}: the name is there twice")
        seen.add(name)
        fields.append(Field(name, parse_type(_need(table, "type", str, here), here), table.get("doc", ""), table.get("values", "")))
    return fields


def _walk(type_):
    while type_ is not None:
        yield type_
        type_ = type_.item


def _order(records, where):
    """Dependencies first; a record that contains itself is refused, so depth is bounded by the definition."""
    by_name = {record.name: record for record in records}
    done, open_, ordered = set(), [], []

    def visit(name):
        if name in done:
            return
        if name in open_:
            raise IdlError(f"{where}: record {name} contains itself ({' > '.join(open_ + [name])})")
        open_.append(name)
        for item in by_name[name].fields:
            for part in _walk(item.type):
                if part.kind == "record" and part.name in by_name:
                    visit(part.name)
        open_.pop()
        done.add(name)
        ordered.append(by_name[name])

    for record in records:
        visit(record.name)
    return ordered


def load_port(path, used=False):
    """@param used  Its records are wanted by another port: it may not use further ones itself, so that there is no circle."""
    where = path.name
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise IdlError(f"{where}: {fault}") from None
    _keys(data, ("port", "revision", "summary", "doc", "draft", "uses", "constants", "record", "method"), where)
    name = _need(data, "port", str, where)
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or path.stem != name:
        raise IdlError(f"{where}: port \"{name}\" is not kebab-case or not the file's name")
    revision = _need(data, "revision", int, where)
    if revision < 1:
        raise IdlError(f"{where}: revision starts at 1")
    port = Port(name, revision, _need(data, "summary", str, where), data.get("doc", "").strip(),
                data.get("draft", False), source=f"ports/{path.name}")

    for other in data.get("uses", []):
        if used:
            raise IdlError(f"{where}: is used by another port and uses \"{other}\" itself")
        if not isinstance(other, str) or not (path.parent / f"{other}.toml").is_file() or other == name:
            raise IdlError(f"{where}: uses: there is no other port \"{other}\"")
        port.uses.append(load_port(path.parent / f"{other}.toml", used=True))
        if port.uses[-1].draft and not port.draft:
            raise IdlError(f"{where}: is final and uses the draft \"{other}\"")

    for table in data.get("constants", []):
        group = _need(table, "name", str, where)
        here = f"{where}: {group}"
        _keys(table, ("name", "type", "values", "doc"), here)
        if _need(table, "type", str, here) not in SCALARS[1:9]:
            raise IdlError(f"{here}: constants are integers")
        values, numbers = [], set()
        for item in _need(table, "values", list, here):
            _keys(item, ("name", "value", "doc"), here)
            label = _identifier(_need(item, "name", str, here), here)
            number = _need(item, "value", int, here)
            if number in numbers or any(label == v[0] for v in values):
                raise IdlError(f"{here}.{label}: the name or number is there twice")
            if number == 0:
                raise IdlError(f"{here}.{label}: 0 is what a missing field reads as; start at 1")
            numbers.add(number)
            values.append((label, number, item.get("doc", "")))
        port.constants.append(Constants(group, table["type"], values, table.get("doc", "")))

    records = []
    for table in data.get("record", []):
        record = _need(table, "name", str, where)
        here = f"{where}: {record}"
        _keys(table, ("name", "doc", "fields"), here)
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", record) or any(r.name == record for r in records):
            raise IdlError(f"{here}: record names are PascalCase and unique")
        records.append(Record(record, _fields(_need(table, "fields", list, here), here), table.get("doc", "")))

    ids, names = set(), set()
    for table in _need(data, "method", list, where):
        label = _identifier(_need(table, "name", str, where), where)
        here = f"{where}: {label}"
        _keys(table, ("id", "name", "doc", "args", "returns", "returns_doc", "emits", "emits_doc", "thread", "idempotent", "errors"), here)
        number = _need(table, "id", int, here)
        if not 1 <= number <= 0xFFFF or number in ids or label in names:
            raise IdlError(f"{here}: method ids (1 to 65535) and names are unique and never reused")
        if ids and number < max(ids):
            raise IdlError(f"{here}: methods are written in the order of their ids")
        ids.add(number)
        names.add(label)
        thread = _need(table, "thread", str, here)
        if thread not in THREADS:
            raise IdlError(f"{here}: thread is one of {', '.join(THREADS)}")
        errors = table.get("errors", [])
        for item in errors:
            _keys(item, ("code", "reason", "doc"), here)
            if _need(item, "code", str, here) not in CODES:
                raise IdlError(f"{here}: unknown code \"{item['code']}\"")
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", _need(item, "reason", str, here)):
                raise IdlError(f"{here}: a reason is kebab-case")
        port.methods.append(Method(
            number, label, _need(table, "doc", str, here), _fields(table.get("args", []), here),
            parse_type(table["returns"], here) if "returns" in table else None, table.get("returns_doc", ""),
            parse_type(table["emits"], here) if "emits" in table else None, table.get("emits_doc", ""),
            thread, _need(table, "idempotent", bool, here), errors))
    if not port.methods:
        raise IdlError(f"{where}: a port without methods")

    known = {record.name for record in records} | {record.name for other in port.uses for record in other.records}
    groups = {group.name: group for group in port.constants}
    used = [(f"{where}: {r.name}.{f.name}", f) for r in records for f in r.fields]
    used += [(f"{where}: {m.name}.{a.name}", a) for m in port.methods for a in m.args]
    for here, item in used:
        for part in _walk(item.type):
            if part.kind == "record" and part.name not in known:
                raise IdlError(f"{here}: unknown record \"{part.name}\"")
        if item.values and (item.values not in groups or groups[item.values].type != item.type.kind):
            raise IdlError(f"{here}: no constants \"{item.values}\" of type {item.type.kind}")
    for method in port.methods:
        for type_ in (method.returns, method.emits):
            for part in _walk(type_):
                if part.kind == "record" and part.name not in known:
                    raise IdlError(f"{where}: {method.name}: unknown record \"{part.name}\"")
    port.records = _order(records, where)
    return port


def load_ports(folder):
    """All ports, sorted by name. Record and constant names are unique across ports: they share a namespace."""
    ports = [load_port(path) for path in sorted(Path(folder).glob("*.toml"))]
    seen = {}
    for port in ports:
        for name in [r.name for r in port.records] + [c.name for c in port.constants] + [port.cls, port.cls + "Client"]:
            if name in seen:
                raise IdlError(f"{port.source}: \"{name}\" is in {seen[name]} too")
            seen[name] = port.source
    return ports
