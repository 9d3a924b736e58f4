# SPDX-License-Identifier: Apache-2.0
"""Reads the structs and numbers of the C headers and lays them out for 64-bit machines.

The headers are the only source: what is computed here goes into generated static_asserts, so a compiler
confirms every offset, size and type wherever <symphony/abi/layout.h> is included."""

import re
from pathlib import Path

SIZES = {"uint8_t": 1, "int8_t": 1, "char": 1, "uint16_t": 2, "int16_t": 2, "uint32_t": 4, "int32_t": 4,
         "uint64_t": 8, "int64_t": 8, "double": 8, "symphony_status": 4, "symphony_handle": 8}
# Written into arrays or files by value: these can never grow.
FROZEN = {"symphony_buf": "call arguments are an array of it", "symphony_note": "it is in the files"}
# Numbers that are meant to change.
MOVING = {"SYMPHONY_ABI_MINOR", "SYMPHONY_TARGET_MINOR"}


class LayoutError(Exception):
    """A header this reader does not understand, or one that breaks a layout rule."""


def strip(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"//[^\n]*", " ", text)


def headers(include):
    root = Path(include) / "symphony" / "abi"
    files = [root / "base.h", root / "call.h", root / "host.h", root / "plugin.h"]
    return files + sorted((root / "services").glob("*.h"))


def numbers(text):
    found = {}
    for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(SYMPHONY_\w+)[ \t]+\(?(-?(?:0x[0-9A-Fa-f]+|\d+))u?\)?[ \t]*$", text, re.M):
        if name not in MOVING:
            found[name] = int(value, 0)
    for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(SYMPHONY_\w+)[ \t]+\"([^\"]*)\"[ \t]*$", text, re.M):
        if name.startswith(("SYMPHONY_HOST_", "SYMPHONY_ENTRY", "SYMPHONY_NOTE")):
            found[name] = value
    return found


def squeeze(text):
    text = " ".join(text.split())
    return re.sub(r"\s*([*(),])\s*", r"\1", text)


def members(body, where):
    for statement in body.split(";"):
        statement = " ".join(statement.split())
        if not statement:
            continue
        function = re.fullmatch(r"(.+?)\(\s*\*\s*(\w+)\s*\)\s*\((.*)\)", statement)
        if function:
            returns, name, args = function.groups()
            args = re.sub(r"\b(symphony_\w+|char|void|uint\w+_t|int\w+_t)(\s*\*+\s*|\s+)(?!const)[a-z_]\w*(?=\s*[,)]|$)", r"\1\2", args)
            yield name, f"{squeeze(returns)}(*)({squeeze(args)})", 8, 8, 0
            continue
        plain = re.fullmatch(r"(.+?)((?:\w+(?:\[\w+\])?\s*,\s*)*\w+(?:\[\w+\])?)", statement)
        base = re.match(r"((?:const\s+)?(?:struct\s+)?\w+\s*(?:\*\s*)*)", statement)
        if not plain or not base:
            raise LayoutError(f"{where}: cannot read \"{statement}\"")
        type_text = squeeze(base.group(1))
        for declarator in statement[base.end():].split(","):
            match = re.fullmatch(r"\s*(\w+)\s*(?:\[\s*(\d+)\s*\])?\s*", declarator)
            if not match:
                raise LayoutError(f"{where}: cannot read \"{declarator}\"")
            count = int(match.group(2)) if match.group(2) else 0
            yield match.group(1), type_text, None, None, count


def structs(include):
    """Name to {size, align, members: [{name, offset, size, type}]}, in the order of the headers."""
    found, constants = {}, {}
    for path in headers(include):
        raw = path.read_text(encoding="utf-8")
        text = strip(raw)
        constants.update(numbers(text))
        for name, body in re.findall(r"struct\s+(\w+)\s*\{([^{}]*)\}", text):
            where = f"{path.name}: {name}"
            offset, align, rows = 0, 1, []
            for member, type_text, size, member_align, count in members(body, where):
                if size is None:
                    if type_text.endswith("*") or type_text == "symphony_plugin_entry":
                        size = member_align = 8
                    elif type_text in SIZES:
                        size = member_align = SIZES[type_text]
                    elif type_text in found:
                        size, member_align = found[type_text]["size"], found[type_text]["align"]
                    else:
                        raise LayoutError(f"{where}.{member}: type \"{type_text}\" is not allowed in the ABI")
                if count:
                    size, type_text = size * count, f"{type_text}[{count}]"
                gap = -offset % member_align
                if gap:
                    raise LayoutError(f"{where}.{member}: {gap} bytes of padding without a name before it")
                rows.append({"name": member, "offset": offset, "size": size, "type": type_text})
                offset += size
                align = max(align, member_align)
            if offset % align:
                raise LayoutError(f"{where}: {-offset % align} bytes of padding without a name at its end")
            found[name] = {"size": offset, "align": align, "members": rows}
    for name, struct in found.items():
        sized = struct["members"][0]["name"] == "struct_size"
        embedded = any(m["type"].split("[")[0] == name for other in found.values() for m in other["members"])
        struct["frozen"] = not sized or embedded or name in FROZEN
    return found, constants


def layout_header(found):
    out = "/* SPDX-License-Identifier: Apache-2.0\n * Generated by tools/portgen from the headers beside it. Do not edit.\n *\n"
    out += " * Holds every offset, size and (in C++) type of the ABI to what the snapshot gate compares.\n */\n"
    out += "#ifndef SYMPHONY_ABI_LAYOUT_H\n#define SYMPHONY_ABI_LAYOUT_H\n\n#include <symphony/abi/plugin.h>\n"
    out += "".join(f"#include <symphony/abi/services/{name}.h>\n" for name in ("about", "config", "fs", "log", "metrics", "models", "net", "ports", "secrets"))
    out += "\n#if UINTPTR_MAX == 0xFFFFFFFFFFFFFFFFu /* layouts are fixed for 64-bit machines */\n"
    out += "#ifdef __cplusplus\n#include <type_traits>\n#define SYMPHONY_LAYOUT_ASSERT_ static_assert\n"
    out += "#define SYMPHONY_LAYOUT_BYTES_(struct_, member) sizeof(struct_::member)\n"
    out += "#define SYMPHONY_LAYOUT_TYPE_(struct_, member, ...) \\\n"
    out += "    static_assert(std::is_same<decltype(struct_::member), __VA_ARGS__>::value, #struct_ \".\" #member)\n"
    out += "#else\n#define SYMPHONY_LAYOUT_ASSERT_ _Static_assert\n"
    out += "#define SYMPHONY_LAYOUT_BYTES_(struct_, member) sizeof(((struct_ *)0)->member)\n"
    out += "#define SYMPHONY_LAYOUT_TYPE_(struct_, member, ...) _Static_assert(1, \"checked in C++\")\n#endif\n"
    out += "#define SYMPHONY_LAYOUT_AT_(struct_, member, at, bytes) \\\n"
    out += "    SYMPHONY_LAYOUT_ASSERT_(offsetof(struct_, member) == (at) && SYMPHONY_LAYOUT_BYTES_(struct_, member) == (bytes), \\\n"
    out += "                            #struct_ \".\" #member)\n"
    for name, struct in found.items():
        out += f"\nSYMPHONY_LAYOUT_ASSERT_(sizeof({name}) == {struct['size']}, \"{name}\");\n"
        for m in struct["members"]:
            out += f"SYMPHONY_LAYOUT_AT_({name}, {m['name']}, {m['offset']}, {m['size']});\n"
            out += f"SYMPHONY_LAYOUT_TYPE_({name}, {m['name']}, {m['type']});\n"
    out += "\n#undef SYMPHONY_LAYOUT_AT_\n#undef SYMPHONY_LAYOUT_TYPE_\n#undef SYMPHONY_LAYOUT_BYTES_\n#undef SYMPHONY_LAYOUT_ASSERT_\n#endif\n#endif\n"
    return out
