// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/rights.hpp>

#include "pattern.hpp"
#include "text.hpp"

#include <symphony/manifests/host_name.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <optional>

namespace symphony::manifests {
namespace {

constexpr std::size_t parts_max = 64;
constexpr std::size_t wildcards_max = 16;

Error bad(std::string message, std::string hint = {}) {
    return Error(Code::invalid_argument, "bad-right", std::move(message), std::move(hint));
}

bool is_root_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && is_lower(text[0]) &&
           all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-'; });
}

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
constexpr bool is_special(char c) noexcept { return c == '*' || c == '?' || c == '[' || c == '\\'; }
constexpr std::string_view hex_digits = "0123456789abcdef";

/// How long the UTF-8 character there is that may stand in a canonical text as it is; 0: its first byte may not.
std::size_t plain_length(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) return is_control(text[at]) ? 0 : 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    const auto character = text.substr(at, length);
    return character.size() == length && is_valid_utf8(character) && !is_c1_control(text, at) ? length : 0;
}

/// A part as canonical texts have it.
void append_part(std::string& out, std::string_view part, bool may_be_many) {
    if (may_be_many && part == any_parts) {
        out += "**";
        return;
    }
    for (std::size_t i = 0; i < part.size();) {
        const char c = part[i];
        if (c == any_run) {
            out += '*';
            ++i;
        } else if (is_special(c)) {
            out += {'[', c, ']'};
            ++i;
        } else if (const auto length = plain_length(part, i); length > 0) {
            out += part.substr(i, length);
            i += length;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += "[x";
            out += hex_digits[byte >> 4];
            out += hex_digits[byte & 0xF];
            out += ']';
            ++i;
        }
    }
}

/// Reads a part: stars, and characters that brackets take the meaning from.
Result<std::string> read_part(std::string_view text) {
    std::string part;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == '[') {
            if (i + 2 < text.size() && text[i + 2] == ']' && is_special(text[i + 1])) {
                part += text[i + 1];
                i += 3;
                continue;
            }
            const auto digit = [&](std::size_t at) { return at < text.size() ? hex_digits.find(text[at]) : std::string_view::npos; };
            if (i + 4 < text.size() && text[i + 1] == 'x' && text[i + 4] == ']' && digit(i + 2) != std::string_view::npos &&
                digit(i + 2) >= 8 && digit(i + 3) != std::string_view::npos) {
                part += static_cast<char>(digit(i + 2) << 4 | digit(i + 3));
                i += 5;
                continue;
            }
            return bad("sets such as [abc] are not understood", "\"[*]\", \"[?]\", \"[[]\" and \"[\\]\" stand for the characters themselves");
        }
        if (c == '?' || c == '\\') return bad(std::string("\"") + c + "\" has no meaning here", "`*` stands for any characters, \"[" + std::string(1, c) + "]\" for the character itself");
        if (c == '*') {
            if (part.empty() || part.back() != any_run) part += any_run; // several say what one says
            ++i;
            continue;
        }
        const auto length = plain_length(text, i);
        if (length == 0) return bad("a control character, or bytes that are no UTF-8");
        part += text.substr(i, length);
        i += length;
    }
    return part;
}

/// Sorts out runs of `**`, and joins `**` `*`-free duplicates.
void collapse(Parts& parts) {
    parts.erase(std::unique(parts.begin(), parts.end(), [](const std::string& a, const std::string& b) { return a == any_parts && b == any_parts; }),
                parts.end());
}

Status check_size(const Parts& parts) {
    std::size_t wildcards = 0;
    for (const auto& part : parts) wildcards += part == any_parts ? 1 : static_cast<std::size_t>(std::count(part.begin(), part.end(), any_run));
    if (parts.size() > parts_max) return bad("more than " + std::to_string(parts_max) + " parts");
    if (wildcards > wildcards_max) return bad("more than " + std::to_string(wildcards_max) + " wildcards");
    return {};
}

std::optional<std::uint16_t> read_port(std::string_view text) noexcept {
    if (text.empty() || text.size() > 5 || text[0] == '0' || !all_of(text, is_digit)) return std::nullopt;
    std::uint32_t number = 0;
    for (const char c : text) number = number * 10 + static_cast<std::uint32_t>(c - '0');
    if (number > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(number);
}

bool is_program(std::string_view text) noexcept {
    if (text.empty() || text == "." || text == "..") return false;
    if (text.find('/') == std::string_view::npos) return true;
    if (text.front() != '/' || text.back() == '/') return false;
    for (std::size_t at = 1; at <= text.size();) {
        const auto end = std::min(text.find('/', at), text.size());
        const auto part = text.substr(at, end - at);
        if (part.empty() || part == "." || part == "..") return false;
        at = end + 1;
    }
    return true;
}

} // namespace

std::string_view name_of(RightKind kind) noexcept {
    constexpr std::string_view names[] = {"file", "network", "model", "system", "process", "ipc"};
    const auto at = static_cast<std::size_t>(kind);
    return at < std::size(names) ? names[at] : "unknown";
}

RightKind kind_of(CapabilityKind kind) noexcept {
    switch (kind) {
    case CapabilityKind::model_access: return RightKind::model;
    case CapabilityKind::network_access: return RightKind::network;
    case CapabilityKind::file_access: return RightKind::file;
    case CapabilityKind::process_exec: return RightKind::process;
    case CapabilityKind::system_access: return RightKind::system;
    case CapabilityKind::ipc_access: return RightKind::ipc;
    }
    return RightKind::system;
}

/// The grammar, one function a kind.
struct RightReader {
    static Result<Right> file(std::string_view value) {
        Right right;
        right.kind_ = RightKind::file;
        if (value.starts_with("read:")) {
            right.access_ = FileAccess::read;
            value.remove_prefix(5);
        } else if (value.starts_with("write:")) {
            right.access_ = FileAccess::write;
            value.remove_prefix(6);
        } else {
            return bad("a right to files begins with read: or write:", "such as \"read:workspace\" or \"write:cache/images/**\"");
        }
        const auto slash = value.find('/');
        const auto root = value.substr(0, slash);
        if (!is_root_name(root)) {
            return bad("no root begins " + shown(root), "the roots are workspace, selected, config, cache, state and temp");
        }
        right.root_ = root;
        if (slash == std::string_view::npos) {
            right.parts_ = {std::string(any_parts)};
        } else if (value.substr(slash) != "/.") { // the root's own folder has no parts
            for (std::size_t at = slash + 1; at <= value.size();) {
                const auto end = std::min(value.find('/', at), value.size());
                const auto text = value.substr(at, end - at);
                if (text.empty()) return bad("an empty part: one slash between two names, none at the end");
                if (text == "." || text == "..") return bad("\"" + std::string(text) + "\" is no name: rights never lead upwards");
                if (text == "**") {
                    right.parts_.emplace_back(any_parts);
                } else if (text.find("**") != std::string_view::npos) {
                    return bad("`**` stands alone between slashes");
                } else {
                    right.parts_.push_back(SYMPHONY_TRY(read_part(text)));
                }
                at = end + 1;
            }
            collapse(right.parts_);
        }
        return done(std::move(right));
    }

    static Result<Right> network(std::string_view value) {
        Right right;
        right.kind_ = RightKind::network;
        std::string_view host = value, ports;
        bool has_ports = false, bracketed = false;
        if (value.starts_with('[')) {
            const auto end = value.find(']');
            if (end == std::string_view::npos) return bad("the bracket of an IPv6 address is not closed");
            host = value.substr(1, end - 1);
            ports = value.substr(end + 1);
            bracketed = true;
            has_ports = !ports.empty();
            if (has_ports && ports[0] != ':') return bad("behind the bracket only \":\" and a port may follow");
            if (has_ports) ports.remove_prefix(1);
        } else if (const auto colon = value.find(':'); colon != std::string_view::npos) {
            if (value.find("://") != std::string_view::npos) return bad("a host, without https:// and without a path", "such as \"api.example.com:443\"");
            host = value.substr(0, colon);
            ports = value.substr(colon + 1);
            has_ports = true;
            if (ports.find(':') != std::string_view::npos) return bad("an IPv6 address stands in brackets", "such as \"[2001:db8::1]:443\"");
        }
        if (has_ports && ports != "*") {
            const auto dash = ports.find('-');
            const auto low = read_port(ports.substr(0, dash));
            const auto high = dash == std::string_view::npos ? low : read_port(ports.substr(dash + 1));
            if (!low || !high || *low > *high) return bad(shown(ports) + " is no port: a number from 1 to 65535, or a range such as 8000-8100");
            right.port_min_ = *low;
            right.port_max_ = *high;
        }
        if (host == "*" && !bracketed) {
            right.host_form_ = Right::Host::any;
            right.host_ = "*";
            return done(std::move(right));
        }
        const bool wild = host.starts_with("*.");
        if (wild) host.remove_prefix(2);
        if (host.find('*') != std::string_view::npos) return bad("a host's star stands in front: \"*.example.com\", or alone");
        if (bracketed && host.find(':') == std::string_view::npos) return bad("in brackets stands an IPv6 address");
        const auto name = SYMPHONY_TRY(read_host(host));
        if (wild && name.address()) return bad("an address has no names in front of it");
        set_host(right, name, wild);
        return done(std::move(right));
    }

    static Result<HostName> read_host(std::string_view text) {
        auto name = HostName::parse(text);
        if (name) return name;
        return bad(name.error().message(), name.error().hint());
    }

    static void set_host(Right& right, const HostName& name, bool wild) {
        right.host_form_ = wild                     ? Right::Host::suffix
                           : !name.address()        ? Right::Host::name
                           : name.address()->is_v4() ? Right::Host::v4
                                                     : Right::Host::v6;
        right.host_ = (wild ? "*." : "") + name.text();
    }

    /// model, system, process: one pattern. `exact`: stars are themselves.
    static Result<Right> name(RightKind kind, std::string_view value, bool exact) {
        Right right;
        right.kind_ = kind;
        if (value.empty() || value.front() == ' ' || value.back() == ' ') return bad("a name is missing, or has blanks around it");
        std::string part;
        if (exact) {
            for (std::size_t i = 0; i < value.size();) {
                const auto length = plain_length(value, i);
                if (length == 0) return bad("a control character, or bytes that are no UTF-8");
                part += value.substr(i, length);
                i += length;
            }
        } else {
            part = SYMPHONY_TRY(read_part(value));
        }
        if (kind == RightKind::system && !all_of(value, [](char c) { return is_alnum(c) || is_special(c) || c == ']' || c == '_' || c == '-' || c == '.' || c == ':' || c == '/'; })) {
            return bad("the name of a system right has letters, digits and _ - . : /", "such as \"clock\" or \"gpu\"");
        }
        if (kind == RightKind::process) {
            if (part.find(any_run) != std::string::npos && part.size() > 1) return bad("a program is named whole, or `*` stands for every program");
            if (part[0] != any_run && !is_program(part)) return bad("a program is a name such as \"git\", or a whole path without \"..\" such as \"/usr/bin/git\"");
        }
        right.parts_ = {std::move(part)};
        return done(std::move(right));
    }

    /// "bus:progress.*"
    static Result<Right> channel(std::string_view value, bool exact) {
        Right right;
        right.kind_ = RightKind::ipc;
        const auto colon = value.find(':');
        if (colon == std::string_view::npos || !is_root_name(value.substr(0, colon))) {
            return bad("a channel begins with its kind and a colon", "such as \"bus:progress.*\"");
        }
        right.root_ = value.substr(0, colon);
        for (std::size_t at = colon + 1; at <= value.size();) {
            const auto end = std::min(value.find('.', at), value.size());
            const auto part = value.substr(at, end - at);
            if (part.empty()) return bad("there is nothing between two dots");
            if (!exact && part == "#" && end == value.size()) {
                right.parts_.emplace_back(any_parts);
            } else if (!exact && part == "*") {
                right.parts_.emplace_back(1, any_run);
            } else if (!all_of(part, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '/'; })) {
                return bad("a channel's parts have letters, digits, _ - and /; `*` stands for one part, `#` for the rest, at the end");
            } else {
                right.parts_.emplace_back(part);
            }
            at = end + 1;
        }
        return done(std::move(right));
    }

    static Result<Right> of(RightKind kind, std::string_view value) {
        if (value.size() > right_bytes_max) return bad("longer than " + std::to_string(right_bytes_max) + " bytes");
        for (const char c : value) {
            if (is_control(c)) return bad("a control character"); // before anything else: they end strings for others
        }
        switch (kind) {
        case RightKind::file: return file(value);
        case RightKind::network: return network(value);
        case RightKind::ipc: return channel(value, false);
        case RightKind::model:
        case RightKind::system:
        case RightKind::process: return name(kind, value, false);
        }
        return bad("no such kind");
    }

    static Result<Right> done(Right right) {
        SYMPHONY_TRY(check_size(right.parts_));
        right.write_text();
        return right;
    }
};

void Right::write_text() {
    switch (kind_) {
    case RightKind::file:
        text_ = (access_ == FileAccess::read ? "read:" : "write:") + root_;
        if (parts_.size() == 1 && parts_[0] == any_parts) return;
        if (parts_.empty()) text_ += "/.";
        for (const auto& part : parts_) append_part(text_ += '/', part, true);
        return;
    case RightKind::network:
        text_ = "network:" + (host_form_ == Host::v6 ? "[" + host_ + "]" : host_);
        if (port_min_ == 1 && port_max_ == 65535) return;
        text_ += ":" + std::to_string(port_min_);
        if (port_max_ != port_min_) text_ += "-" + std::to_string(port_max_);
        return;
    case RightKind::ipc:
        text_ = "ipc:" + root_ + ":";
        for (const auto& part : parts_) {
            if (&part != &parts_.front()) text_ += '.';
            text_ += part == any_parts ? "#" : part[0] == any_run ? "*" : part;
        }
        return;
    case RightKind::model:
    case RightKind::system:
    case RightKind::process:
        text_ = std::string(name_of(kind_)) + ":";
        append_part(text_, parts_[0], false);
        return;
    }
}

Result<Right> Right::parse(std::string_view text) {
    const auto named = [&](Result<Right> result) -> Result<Right> {
        if (result) return result;
        return Error(Code::invalid_argument, "bad-right", "right " + shown(without_controls(text)) + ": " + result.error().message(), result.error().hint());
    };
    if (text.starts_with("read:") || text.starts_with("write:")) return named(RightReader::of(RightKind::file, text));
    constexpr std::pair<std::string_view, RightKind> prefixes[] = {
        {"file:", RightKind::file},       {"network:", RightKind::network}, {"net:", RightKind::network}, {"model:", RightKind::model},
        {"system:", RightKind::system},   {"process:", RightKind::process}, {"ipc:", RightKind::ipc}};
    for (const auto& [prefix, kind] : prefixes) {
        if (text.starts_with(prefix)) return named(RightReader::of(kind, text.substr(prefix.size())));
    }
    return named(bad("it begins with no known kind", "such as read:workspace, write:cache, network:api.example.com:443, model:gpt-4, "
                                                     "system:clock, process:git or ipc:bus:progress.*"));
}

Result<Right> Right::parse(CapabilityKind kind, std::string_view value) { return RightReader::of(kind_of(kind), value); }

Result<Right> Right::file(FileAccess access, std::string_view root, std::string_view path) {
    Right right;
    right.kind_ = RightKind::file;
    right.access_ = access;
    const auto refuse = [&](std::string_view why) {
        return bad("path " + shown(without_controls(path)) + ": " + std::string(why));
    };
    if (!is_root_name(root)) return bad("no root is called " + shown(without_controls(root)));
    if (path.size() > 4096) return refuse("longer than 4096 bytes");
    if (std::any_of(path.begin(), path.end(), is_control)) return refuse("a control character");
    if (path.starts_with('/')) return refuse("it begins at no root");
    right.root_ = root;
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto part = path.substr(at, end - at);
        at = end + 1;
        if (part.empty() || part == ".") continue;
        if (part == "..") return refuse("it leads upwards");
        right.parts_.emplace_back(part);
    }
    right.write_text();
    return right;
}

Result<Right> Right::network(std::string_view host, std::uint16_t port) {
    if (port == 0) return bad("no port has the number 0");
    if (host == "*" || host.starts_with("*.")) return bad("host " + shown(host) + ": a pattern is no host");
    Right right;
    right.kind_ = RightKind::network;
    RightReader::set_host(right, SYMPHONY_TRY(RightReader::read_host(host)), false);
    right.port_min_ = right.port_max_ = port;
    right.write_text();
    return right;
}

Result<Right> Right::named(RightKind kind, std::string_view name) {
    if (name.size() > right_bytes_max) return bad("a name longer than " + std::to_string(right_bytes_max) + " bytes");
    switch (kind) {
    case RightKind::model:
    case RightKind::system:
    case RightKind::process: return RightReader::name(kind, name, true);
    case RightKind::ipc: return RightReader::channel(name, true);
    case RightKind::file:
    case RightKind::network: break;
    }
    return bad("a right to files or networks has more than a name");
}

std::string_view Right::root() const noexcept { return kind_ == RightKind::file ? std::string_view(root_) : std::string_view(); }

namespace {

/// Whether names with this ending have the other one as well; both as "*.example.com".
bool suffix_covers(std::string_view outer, std::string_view inner) noexcept {
    return inner == outer || (inner.size() > outer.size() && inner.ends_with(outer.substr(1)));
}

} // namespace

bool Right::same_objects(const Right& other) const noexcept {
    if (text_.empty() || other.text_.empty() || kind_ != other.kind_ || root_ != other.root_) return false;
    return kind_ != RightKind::file || access_ == other.access_;
}

bool Right::host_covers(const Right& other) const noexcept {
    switch (host_form_) {
    case Host::any: return true;
    case Host::suffix:
        if (other.host_form_ == Host::suffix) return suffix_covers(host_, other.host_);
        return other.host_form_ == Host::name && other.host_.size() > host_.size() - 1 &&
               std::string_view(other.host_).ends_with(std::string_view(host_).substr(1));
    default: return host_form_ == other.host_form_ && host_ == other.host_;
    }
}

bool Right::covers(const Right& other) const {
    if (!same_objects(other)) return false;
    if (kind_ == RightKind::network) return port_min_ <= other.port_min_ && other.port_max_ <= port_max_ && host_covers(other);
    const Parts* const one[] = {&parts_};
    return included(other.parts_, one);
}

bool Right::overlaps(const Right& other) const {
    if (!same_objects(other)) return false;
    if (kind_ != RightKind::network) return intersect(parts_, other.parts_);
    return port_min_ <= other.port_max_ && other.port_min_ <= port_max_ && (host_covers(other) || other.host_covers(*this));
}

bool Right::is_single() const noexcept {
    if (text_.empty()) return false;
    if (kind_ != RightKind::network) return !has_wildcard(parts_);
    return port_min_ == port_max_ && host_form_ != Host::any && host_form_ != Host::suffix;
}

bool Right::is_private_network() const noexcept {
    if (host_form_ == Host::none) return false;
    if (host_form_ == Host::any) return true; // it holds such hosts too
    if (host_is_address()) {
        const auto address = IpAddress::parse(host_);
        return !address || !address->special_range().empty();
    }
    const std::string_view name = host_form_ == Host::suffix ? std::string_view(host_).substr(2) : std::string_view(host_);
    const auto last = name.substr(name.rfind('.') + 1); // npos + 1 is 0
    constexpr std::string_view local[] = {"localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan"};
    if (std::find(std::begin(local), std::end(local), last) != std::end(local)) return true;
    if (name == "home.arpa" || name.ends_with(".home.arpa")) return true; // RFC 8375
    return host_form_ == Host::name && name.find('.') == std::string_view::npos; // the resolver looks for it nearby
}

RightSet::RightSet(std::vector<Right> rights) : rights_(std::move(rights)) {
    std::erase_if(rights_, [](const Right& right) { return right.text().empty(); });
    std::sort(rights_.begin(), rights_.end());
    rights_.erase(std::unique(rights_.begin(), rights_.end()), rights_.end());
    // Ports of one host that touch each other become one range; with one host's ranges side by side, one pass does.
    std::stable_sort(rights_.begin(), rights_.end(), [](const Right& a, const Right& b) {
        if (a.kind_ != RightKind::network || b.kind_ != RightKind::network) return a < b;
        return a.host_ != b.host_ ? a.host_ < b.host_ : a.port_min_ < b.port_min_;
    });
    std::vector<Right> joined;
    for (Right& right : rights_) {
        Right* last = joined.empty() ? nullptr : &joined.back();
        if (last != nullptr && right.kind_ == RightKind::network && last->kind_ == RightKind::network && last->host_ == right.host_ &&
            right.port_min_ <= last->port_max_ + 1) {
            last->port_max_ = std::max(last->port_max_, right.port_max_);
            last->write_text();
        } else {
            joined.push_back(std::move(right));
        }
    }
    std::vector<bool> gone(joined.size());
    std::size_t patience = 500'000; // patterns made to be slow to compare stay side by side
    const auto covers = [&patience](const Right& outer, const Right& inner) {
        if (inner.kind_ == RightKind::network || !outer.same_objects(inner)) return outer.covers(inner);
        const Parts* const one[] = {&outer.parts_};
        return included(inner.parts_, one, &patience);
    };
    for (std::size_t i = 0; i < joined.size(); ++i) {
        for (std::size_t j = 0; j < joined.size() && !gone[i]; ++j) {
            // Of two equal sets with different texts the first stays.
            if (i != j && !gone[j] && covers(joined[j], joined[i]) && !(i < j && covers(joined[i], joined[j]))) gone[i] = true;
        }
    }
    rights_.clear();
    for (std::size_t i = 0; i < joined.size(); ++i) {
        if (!gone[i]) rights_.push_back(std::move(joined[i]));
    }
    std::sort(rights_.begin(), rights_.end());
}

Right right_to_call(std::string_view plugin) {
    auto right = Right::named(RightKind::ipc, "plugin:" + std::string(plugin));
    return right ? *std::move(right) : Right();
}
bool is_call(const Right& right) noexcept { return right.kind() == RightKind::ipc && right.text().starts_with("ipc:plugin:"); }

std::vector<Asked> asked_of(const Manifest& manifest) {
    std::vector<Asked> all;
    bool names_callees = false;
    for (const Capability& written : manifest.capabilities) {
        auto right = Right::parse(written.kind, written.value);
        if (!right) continue; // a parsed manifest has none
        names_callees = names_callees || is_call(*right);
        all.push_back({*std::move(right), &written, written.optional, written.place});
    }
    if (manifest.needs.empty() || names_callees) return all;
    auto any = Right::parse(CapabilityKind::ipc_access, "plugin:#");
    if (!any) return all;
    const bool optional = std::all_of(manifest.needs.begin(), manifest.needs.end(), [](const Require& one) { return one.optional; });
    all.push_back({*std::move(any), nullptr, optional, manifest.needs.front().place});
    return all;
}

RightSet RightSet::requested(const Manifest& manifest, bool with_optional) {
    std::vector<Right> rights;
    for (auto& asked : asked_of(manifest)) {
        if (!asked.optional || with_optional) rights.push_back(std::move(asked.right));
    }
    return RightSet(std::move(rights));
}

Result<RightSet> RightSet::parse(std::string_view text) {
    std::vector<Right> rights;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        rights.push_back(SYMPHONY_TRY(Right::parse(text.substr(0, end))));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return RightSet(std::move(rights));
}

bool RightSet::covers(const Right& right) const {
    if (right.text().empty()) return false;
    if (right.kind_ != RightKind::network) {
        std::vector<const Parts*> all;
        for (const Right& one : rights_) {
            if (one.same_objects(right)) all.push_back(&one.parts_);
        }
        return !all.empty() && included(right.parts_, all);
    }
    // A host's set is covered by one right or by none: names beyond counting are left over by any number of others. Ports
    // are numbers: whoever covers the host covers a range of them.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
    for (const Right& one : rights_) {
        if (one.kind_ == RightKind::network && one.host_covers(right)) ranges.emplace_back(one.port_min_, one.port_max_);
    }
    std::sort(ranges.begin(), ranges.end());
    std::uint32_t next = right.port_min_;
    for (const auto& [low, high] : ranges) {
        if (low > next) break;
        next = std::max(next, high + 1);
    }
    return next > right.port_max_;
}

bool RightSet::covers(const RightSet& other) const {
    return std::all_of(other.rights_.begin(), other.rights_.end(), [this](const Right& right) { return covers(right); });
}

std::string RightSet::text() const {
    std::string text;
    for (const Right& right : rights_) text += right.text() + "\n";
    return text;
}

RightsDiff diff(const RightSet& from, const RightSet& to) {
    RightsDiff found;
    const auto related = [](const Right& right, const RightSet& others) {
        return std::find_if(others.rights().begin(), others.rights().end(), [&](const Right& other) { return other.overlaps(right); });
    };
    for (const Right& right : to.rights()) {
        if (from.covers(right)) continue;
        if (const auto old = related(right, from); old != from.rights().end()) found.broadened.emplace_back(*old, right);
        else found.added.push_back(right);
    }
    for (const Right& right : from.rights()) {
        if (to.covers(right)) continue;
        if (const auto now = related(right, to); now != to.rights().end()) found.narrowed.emplace_back(right, *now);
        else found.removed.push_back(right);
    }
    return found;
}

std::string_view name_of(Risk risk) noexcept {
    switch (risk) {
    case Risk::low: return "low";
    case Risk::medium: return "medium";
    case Risk::high: break;
    }
    return "high";
}

namespace {

bool is_own_root(std::string_view root) noexcept { return root == "config" || root == "cache" || root == "state" || root == "temp"; }
std::string_view after_colon(const Right& right) noexcept { return std::string_view(right.text()).substr(right.text().find(':') + 1); }

} // namespace

Risk risk_of(const Right& right) noexcept {
    switch (right.kind()) {
    case RightKind::file:
        if (is_own_root(right.root()) || right.root() == "selected") return Risk::low;
        return right.root() == "workspace" && right.access() == FileAccess::read ? Risk::medium : Risk::high;
    case RightKind::network: {
        const auto host = right.host();
        const bool whole_domain = host.starts_with("*.") && host.find('.', 2) == std::string_view::npos; // *.com
        return right.is_private_network() || whole_domain ? Risk::high : Risk::medium;
    }
    case RightKind::model: return Risk::medium;
    case RightKind::system: {
        const auto name = after_colon(right);
        return name == "clock" || name == "socketpair" ? Risk::low : name == "gpu" ? Risk::medium : Risk::high;
    }
    case RightKind::process: return Risk::high;
    case RightKind::ipc: return right.text().starts_with("ipc:bus:") && !right.text().ends_with(":#") ? Risk::low : Risk::medium;
    }
    return Risk::high;
}

std::string in_words(const Right& right) {
    if (right.text().empty()) return "nothing";
    const std::string name(after_colon(right));
    switch (right.kind()) {
    case RightKind::file: {
        const bool writes = right.access() == FileAccess::write;
        const std::string root(right.root());
        const std::string verb = writes ? "write " : "read ";
        const auto slash = right.text().find('/');
        const std::string path = slash == std::string::npos ? std::string() : right.text().substr(slash + 1);
        if (root == "selected") return verb + "the files and folders that you name on the command line";
        const std::string where = root == "workspace" ? "the project folder" : is_own_root(root) ? "its own " + root + " folder" : "the folder \"" + root + "\"";
        if (path.empty()) return verb + (writes ? "any file in " : "every file in ") + where;
        return verb + "\"" + path + "\" in " + where;
    }
    case RightKind::network: {
        const auto host = right.host();
        std::string text = host == "*"                ? "connect to any host, those of your own network too"
                           : host.starts_with("*.") ? "connect to any host below " + std::string(host.substr(2))
                                                    : "connect to " + std::string(host);
        if (right.port_min() == 1 && right.port_max() == 65535) return text + ", any port";
        text += right.port_min() == right.port_max() ? ", port " : ", ports ";
        text += std::to_string(right.port_min());
        return right.port_min() == right.port_max() ? text : text + " to " + std::to_string(right.port_max());
    }
    case RightKind::model: return name == "*" ? "use any model" : "use the model " + name;
    case RightKind::system:
        if (name == "clock") return "read the system's clock";
        if (name == "gpu") return "use the graphics processor";
        if (name == "jit") return "make and run machine code of its own";
        if (name == "socketpair") return "make sockets that lead nowhere but to itself";
        return "use the system's " + name;
    case RightKind::process: return name == "*" ? "run any program, with all your rights" : "run the program " + name + ", with all your rights";
    case RightKind::ipc:
        if (name.starts_with("bus:")) return "send and receive messages on the bus, channel " + name.substr(4);
        if (name == "plugin:#") return "call any plugin that provides what it requires";
        if (is_call(right)) return "call the plugin " + name.substr(7);
        return "talk through " + name;
    }
    return right.text();
}

} // namespace symphony::manifests
