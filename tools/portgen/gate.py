# SPDX-License-Identifier: Apache-2.0
"""Compares what the tree defines with a frozen snapshot: appends pass, everything else is a fault."""


def compare(frozen, current):
    """@return One sentence per difference that would break a plugin already built."""
    faults = []
    for name, old in frozen["structs"].items():
        new = current["structs"].get(name)
        if new is None:
            faults.append(f"struct {name}: removed")
            continue
        for index, member in enumerate(old["members"]):
            if index >= len(new["members"]):
                faults.append(f"{name}.{member['name']}: removed")
            elif new["members"][index] != member:
                got = new["members"][index]
                faults.append(f"{name}.{member['name']}: was {describe(member)}, is {describe(got)}")
                break  # everything after a moved member has moved too
        if old["frozen"] and new["size"] != old["size"]:
            faults.append(f"struct {name}: {old['size']} bytes became {new['size']}; it is used by value and cannot grow")
        if new["size"] < old["size"]:
            faults.append(f"struct {name}: shrank from {old['size']} to {new['size']} bytes")
    for name, value in frozen["constants"].items():
        if name not in current["constants"]:
            faults.append(f"constant {name}: removed")
        elif current["constants"][name] != value:
            faults.append(f"constant {name}: was {value}, is {current['constants'][name]}")
    for port, old in frozen["ports"].items():
        new = current["ports"].get(port)
        if new is None or new.get("draft"):
            faults.append(f"port {port}: removed or made a draft again")
            continue
        for number, method in old["methods"].items():
            now = new["methods"].get(number)
            if now is None:
                faults.append(f"{port} method {number} ({method['name']}): removed or renumbered")
            elif now["hash"] != method["hash"]:
                faults.append(f"{port} method {number}: was {method['signature']}, is {now['signature']}")
        for record, fields in old["records"].items():
            now = new["records"].get(record)
            if now is None:
                faults.append(f"{port} record {record}: removed")
            elif now[:len(fields)] != fields:
                faults.append(f"{port} record {record}: fields may only be appended; was {', '.join(fields)}; is {', '.join(now)}")
        for group, values in old["constants"].items():
            now = new["constants"].get(group, {})
            for label, number in values.items():
                if now.get(label) != number:
                    faults.append(f"{port} constant {group}.{label}: was {number}, is {now.get(label, 'gone')}")
    return faults


def describe(member):
    return f"{member['type']} {member['name']} at {member['offset']} ({member['size']} bytes)"


def snapshot(structs, constants, ports):
    """What abi.json holds. Drafts are in it, marked; freezing leaves them out."""
    out = {"structs": {}, "constants": dict(sorted(constants.items())), "ports": {}}
    for name, struct in structs.items():
        out["structs"][name] = {"size": struct["size"], "frozen": struct["frozen"], "members": struct["members"]}
    for port in ports:
        out["ports"][port.id] = {
            "draft": port.draft,
            "methods": {str(m.id): {"name": m.name, "hash": m.hash(port.id), "signature": m.signature(port.id)} for m in port.methods},
            "records": {r.name: [f"{f.type.text()} {f.name}" for f in r.fields] for r in port.records},
            "constants": {c.name: {label: number for label, number, _ in c.values} for c in port.constants},
        }
    return out


def without_drafts(data):
    return data | {"ports": {name: port for name, port in data["ports"].items() if not port["draft"]}}
