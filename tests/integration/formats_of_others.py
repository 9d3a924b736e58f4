# SPDX-License-Identifier: Apache-2.0
"""Readers of other projects' formats, written from their public descriptions. Each raises ValueError with what is wrong, or returns what it read.

Prometheus text format 0.0.4   prometheus/docs: instrumenting/exposition_formats
OTLP JSON                      open-telemetry/opentelemetry-proto: trace/v1/trace.proto, docs/specification.md "JSON Protobuf Encoding"
Trace Event Format             the document "Trace Event Format" of the Chromium project, JSON object form
"""

import html.parser
import math
import re
import xml.etree.ElementTree


def check(holds, what):
    if not holds:
        raise ValueError(what)


# ---- Prometheus ----

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


def label_value(text, at):
    """The text of a label behind its opening quote, and where it ends."""
    out = []
    while True:
        check(at < len(text), f"a label without an end: {text}")
        if text[at] == '"':
            return "".join(out), at + 1
        if text[at] == "\\":
            check(at + 1 < len(text) and text[at + 1] in '\\"n', f"an escape that there is not: {text}")
            out.append("\n" if text[at + 1] == "n" else text[at + 1])
            at += 2
            continue
        out.append(text[at])
        at += 1


def sample(line):
    """(name, labels, value) of a line."""
    name = METRIC.match(line)
    check(name, f"no metric: {line}")
    at, labels = name.end(), {}
    if line[at:at + 1] == "{":
        at += 1
        while line[at:at + 1] != "}":
            label = LABEL.match(line, at)
            check(label and line[label.end():label.end() + 2] == '="', f"no label: {line[at:]}")
            check(label[0] not in labels, f"a label twice: {line}")
            labels[label[0]], at = label_value(line, label.end() + 2)
            check(line[at:at + 1] in (",", "}"), f"nothing between labels: {line[at:]}")
            at += line[at:at + 1] == ","
        at += 1
    words = line[at:].split()
    check(line[at:at + 1] in (" ", "\t") and len(words) in (1, 2), f"no value: {line}")
    if len(words) == 2:
        int(words[1])
    return name[0], labels, float(words[0])


def prometheus(text):
    """{family: {"type", "help", "samples": [(name, labels, value)]}}; the families are checked one by one."""
    check(text.endswith("\n") and "\r" not in text, "the last line has no end")
    families, current = {}, None
    for line in text.split("\n")[:-1]:
        comment = re.match(r"# (HELP|TYPE) (\S+) ?(.*)$", line)
        if comment:
            kind, name, rest = comment.groups()
            check(METRIC.fullmatch(name), f"no name: {line}")
            if current is None or current["name"] != name:
                check(name not in families, f"{name} is in two places")
                current = families[name] = {"name": name, "type": "untyped", "help": None, "samples": []}
            if kind == "HELP":
                check(current["help"] is None, f"a second HELP: {line}")
                check(not re.search(r"\\(?![\\n])", rest), f"an escape that there is not: {line}")
                current["help"] = rest
            else:
                check(current["type"] == "untyped" and not current["samples"], f"TYPE is late or twice: {line}")
                check(rest in ("counter", "gauge", "histogram", "summary", "untyped"), f"no type: {line}")
                current["type"] = rest
            continue
        if not line.strip() or line.startswith("#"):
            continue
        name, labels, value = sample(line)
        check(current and name in [current["name"] + suffix for suffix in SUFFIXES.get(current["type"], ("",))], f"{name} stands apart from its family")
        current["samples"].append((name, labels, value))
    for family in families.values():
        seen = [(name, tuple(sorted(labels.items()))) for name, labels, _ in family["samples"]]
        check(len(seen) == len(set(seen)), f"{family['name']}: one sample twice")
        if family["type"] == "histogram":
            histogram(family)
    return families


def histogram(family):
    groups = {}
    for name, labels, value in family["samples"]:
        key = tuple(sorted((label, text) for label, text in labels.items() if label != "le"))
        group = groups.setdefault(key, {"buckets": []})
        if name.endswith("_bucket"):
            group["buckets"].append((float(labels["le"]), value))
        else:
            check("le" not in labels, f"{name} has a bucket's label")
            group[name.rsplit("_", 1)[1]] = value
    for key, group in groups.items():
        bounds = [bound for bound, _ in group["buckets"]]
        counts = [count for _, count in group["buckets"]]
        check(bounds == sorted(bounds) and bounds and bounds[-1] == math.inf, f"{family['name']} {key}: buckets {bounds}")
        check(counts == sorted(counts), f"{family['name']} {key}: buckets are not cumulative")
        check(counts[-1] == group["count"], f"{family['name']} {key}: the last bucket is not the count")
        check("sum" in group, f"{family['name']} {key}: no sum")


# ---- OpenTelemetry ----

def members(value, where, /, **kinds):
    """An object with no members but these; a kind is a function that checks the member."""
    check(isinstance(value, dict), f"{where} is no object")
    for key, member in value.items():
        check(key in kinds, f"{where} has a member {key}")
        kinds[key](member, f"{where}.{key}")


def text(value, where):
    check(isinstance(value, str), f"{where} is no text")


def hexadecimal(digits):
    def kind(value, where):
        check(isinstance(value, str) and re.fullmatch(r"[0-9a-f]{%d}" % digits, value) and set(value) != {"0"}, f"{where} is {value}")
    return kind


def integer(low, high):
    def kind(value, where):
        check(type(value) is int and low <= value <= high, f"{where} is {value!r}")
    return kind


def long(value, where):
    """64-bit integers are decimal texts."""
    check(isinstance(value, str) and re.fullmatch(r"-?(0|[1-9][0-9]*)", value) and -2**63 <= int(value) < 2**64, f"{where} is {value!r}")


def each(kind):
    def check_each(value, where):
        check(isinstance(value, list), f"{where} is no list")
        for number, item in enumerate(value):
            kind(item, f"{where}[{number}]")
    return check_each


def any_value(value, where):
    check(isinstance(value, dict) and len(value) == 1, f"{where} is not one value: {value}")
    members(value, where, stringValue=text, intValue=long, boolValue=lambda one, at: check(isinstance(one, bool), at),
            doubleValue=lambda one, at: check(isinstance(one, (int, float)), at))


def attribute(value, where):
    members(value, where, key=text, value=any_value)
    check(value["key"], f"{where} has no key")


def attributes(value, where):
    each(attribute)(value, where)
    keys = [one["key"] for one in value]
    check(len(keys) == len(set(keys)), f"{where}: a key twice")


def span(value, where):
    uint32 = integer(0, 2**32 - 1)
    members(value, where, traceId=hexadecimal(32), spanId=hexadecimal(16), parentSpanId=hexadecimal(16), traceState=text, flags=uint32, name=text, kind=integer(0, 5),
            startTimeUnixNano=long, endTimeUnixNano=long, attributes=attributes, droppedAttributesCount=uint32,
            events=each(lambda one, at: members(one, at, timeUnixNano=long, name=text, attributes=attributes, droppedAttributesCount=uint32)), droppedEventsCount=uint32,
            links=each(lambda one, at: members(one, at, traceId=hexadecimal(32), spanId=hexadecimal(16), traceState=text, attributes=attributes, droppedAttributesCount=uint32, flags=uint32)),
            droppedLinksCount=uint32, status=lambda one, at: members(one, at, message=text, code=integer(0, 2)))
    for key in ("traceId", "spanId", "name", "startTimeUnixNano", "endTimeUnixNano"):
        check(value.get(key), f"{where} has no {key}")
    check(int(value["startTimeUnixNano"]) <= int(value["endTimeUnixNano"]), f"{where} ends before it begins")


def otlp(request):
    """The spans of an ExportTraceServiceRequest; one trace, whose parents and links are in it."""
    members(request, "request", resourceSpans=each(lambda one, at: members(
        one, at, resource=lambda of, at: members(of, at, attributes=attributes, droppedAttributesCount=integer(0, 2**32 - 1)), schemaUrl=text,
        scopeSpans=each(lambda of, at: members(of, at, schemaUrl=text, spans=each(span), scope=lambda scope, at: members(
            scope, at, name=text, version=text, attributes=attributes, droppedAttributesCount=integer(0, 2**32 - 1)))))))
    resources = request["resourceSpans"]
    names = [one["value"]["stringValue"] for resource in resources for one in resource["resource"]["attributes"] if one["key"] == "service.name"]
    check(len(names) == len(resources), "a resource has no service.name")
    spans = [one for resource in resources for scope in resource["scopeSpans"] for one in scope["spans"]]
    ids = {one["spanId"] for one in spans}
    check(len(ids) == len(spans), "an id twice")
    check(len({one["traceId"] for one in spans}) <= 1, "more than one trace")
    check([one.get("parentSpanId") for one in spans].count(None) == 1, "there is not one root")
    for one in spans:
        check(one.get("parentSpanId") in ids | {None}, f"{one['name']}: its parent is not there")
        for link in one.get("links", []):
            check(link["spanId"] in ids, f"{one['name']}: a link leads nowhere")
    return spans


def attributes_of(one):
    return {item["key"]: next(iter(item["value"].values())) for item in one["attributes"]}


# ---- trace events ----

def trace_events(document):
    """The complete events; those of one thread nest, as the format demands."""
    check(isinstance(document, dict) and isinstance(document.get("traceEvents"), list), "no traceEvents")
    check(document.get("displayTimeUnit", "ms") in ("ms", "ns"), "displayTimeUnit")
    complete, threads = [], {}
    for event in document["traceEvents"]:
        check(isinstance(event.get("name"), str) and event.get("ph") in ("X", "M"), f"no event: {event}")
        check(type(event.get("pid")) is int and type(event.get("tid")) is int, f"no thread: {event}")
        if event["ph"] == "M":
            check(event["name"] in ("process_name", "thread_name", "process_labels", "process_sort_index", "thread_sort_index"), f"no metadata: {event}")
            check(isinstance(event["args"].get("name"), str), f"no name: {event}")
            continue
        for key in ("ts", "dur"):
            check(isinstance(event.get(key), (int, float)) and event[key] >= 0, f"no time: {event}")
        complete.append(event)
        threads.setdefault((event["pid"], event["tid"]), []).append(event)
    for events in threads.values():
        open_until = []
        for event in sorted(events, key=lambda one: (one["ts"], -one["dur"])):
            end = event["ts"] + event["dur"]
            while open_until and open_until[-1] <= event["ts"] + 0.001:
                open_until.pop()
            check(not open_until or end <= open_until[-1] + 0.001, f"overlaps another one of its thread: {event}")
            open_until.append(end)
    return complete


# ---- pictures and pages ----

OUTSIDE = re.compile(r"(?:https?:|//|@import|\burl\((?!#)|\bsrc\s*=|\bdata:)")
NAMESPACE = "http://www.w3.org/2000/svg"


def svg(text_of_it):
    """The root of a picture that has a title and loads nothing."""
    root = xml.etree.ElementTree.fromstring(text_of_it)
    check(root.tag == "{%s}svg" % NAMESPACE, f"the root is {root.tag}")
    check(root.find("{%s}title" % NAMESPACE).text and root.find("{%s}desc" % NAMESPACE).text, "no title")
    check(not OUTSIDE.search(text_of_it.replace(NAMESPACE, "")), "it loads something")
    for element in root.iter():
        for key, value in element.attrib.items():
            check(not key.startswith("on"), f"a handler: {key}")
            check(not key.endswith("href") or value.startswith("#"), f"leads outside: {value}")
    return root


class Page(html.parser.HTMLParser):
    VOID = {"meta", "input", "br", "hr", "img", "link"}

    def __init__(self, text_of_it):
        super().__init__()
        self.open, self.tags, self.text, self.policy = [], [], [], None
        check(text_of_it.startswith("<!doctype html>"), "no doctype")
        check(not OUTSIDE.search(text_of_it.replace(NAMESPACE, "")), "it loads something")
        self.feed(text_of_it)
        self.close()
        check(not self.open, f"never closed: {self.open}")
        check(self.policy and "default-src 'none'" in self.policy, "no policy")

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        check(tag not in ("link", "iframe", "object", "embed", "img", "base"), f"a {tag}")
        check(not any(key.startswith("on") for key in attrs), f"a handler in {tag}")
        check((attrs.get("href") or "#").startswith("#"), f"leads outside: {attrs}")
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}")
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)
