# SPDX-License-Identifier: Apache-2.0
"""JSON Schema 2020-12 of one port, for records as to_json() would print them."""

import json

RANGES = {f"u{n}": (0, 2**n - 1) for n in (8, 16, 32, 64)} | {f"i{n}": (-(2**(n - 1)), 2**(n - 1) - 1) for n in (8, 16, 32, 64)}


def type_(t):
    if t.kind == "bool":
        return {"type": "boolean"}
    if t.kind == "f64":
        return {"type": "number"}
    if t.kind in RANGES:
        low, high = RANGES[t.kind]
        return {"type": "integer", "minimum": low, "maximum": high}
    if t.kind == "string":
        return {"type": "string"}
    if t.kind == "bytes":
        return {"type": "object", "properties": {"$bytes": {"type": "string", "contentEncoding": "base64"}},
                "required": ["$bytes"], "additionalProperties": False}
    if t.kind == "value":
        return {}
    if t.kind == "record":
        return {"$ref": f"#/$defs/{t.name}"}
    if t.kind == "list":
        return {"type": "array", "items": type_(t.item)}
    if t.kind == "map":
        return {"type": "object", "additionalProperties": type_(t.item)}
    return {"anyOf": [{"type": "null"}, type_(t.item)]}


def object_(fields, doc=""):
    properties = {}
    for item in fields:
        properties[item.name] = type_(item.type) | ({"description": item.doc} if item.doc else {})
    out = {"type": "object", "properties": properties, "additionalProperties": True}
    return out | ({"description": doc} if doc else {})


def document(port):
    defs = {record.name: object_(record.fields, record.doc) for record in port.foreign() + port.records}
    for method in port.methods:
        defs[f"{method.name}.arguments"] = object_(method.args, method.doc)
        if method.returns:
            defs[f"{method.name}.result"] = type_(method.returns) | ({"description": method.returns_doc} if method.returns_doc else {})
        if method.emits:
            defs[f"{method.name}.part"] = type_(method.emits) | ({"description": method.emits_doc} if method.emits_doc else {})
    out = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"symphony:{port.id}", "title": port.id,
           "description": port.summary, "$defs": defs}
    return json.dumps(out, indent=2, ensure_ascii=False) + "\n"
