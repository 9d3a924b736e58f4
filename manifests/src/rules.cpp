// SPDX-License-Identifier: Apache-2.0
#include "rules.hpp"

#include "text.hpp"

#include <symphony/manifests/rights.hpp>

namespace symphony::manifests {
namespace {

constexpr bool is_word_char(char c) noexcept { return is_lower(c) || is_digit(c); }

bool is_id(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 100 && is_word_char(text[0]) &&
           all_of(text, [](char c) { return is_word_char(c) || c == '.' || c == '-'; });
}

/// Words of lower-case letters and digits, parted by single dashes.
bool is_kebab(std::string_view text) noexcept {
    if (text.empty() || text.size() > 64 || text.front() == '-' || text.back() == '-') return false;
    return text.find("--") == std::string_view::npos &&
           all_of(text, [](char c) { return is_word_char(c) || c == '-'; });
}

bool is_port(std::string_view text) noexcept {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos || slash > 100) return false;
    const auto name = text.substr(0, slash);
    const auto major = text.substr(slash + 1);
    if (name.empty() || !is_lower(name[0]) || name.back() == '.' || name.find("..") != std::string_view::npos) return false;
    if (!all_of(name, [](char c) { return is_word_char(c) || c == '-' || c == '.'; })) return false;
    return !major.empty() && major.size() <= 6 && major[0] != '0' && all_of(major, is_digit);
}

bool is_word(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && is_lower(text[0]) &&
           all_of(text, [](char c) { return is_word_char(c) || c == '_' || c == '-'; });
}

bool is_command(std::string_view text) noexcept {
    for (int words = 1; words <= 3; ++words) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        if (!is_kebab(word) || !is_lower(word[0])) return false;
        if (end == text.size()) return true;
        text.remove_prefix(end + 1);
    }
    return false;
}

bool is_flag(std::string_view text) noexcept { return is_kebab(text) && is_lower(text[0]) && text.size() > 1; }
bool is_short_flag(std::string_view text) noexcept { return text.size() == 1 && is_alnum(text[0]); }

bool is_web_address(std::string_view text) noexcept {
    return (text.starts_with("https://") || text.starts_with("http://")) &&
           all_of(text, [](char c) { return c > ' ' && c != '"' && c != '<' && c != '>'; });
}

bool is_triple(std::string_view text) noexcept {
    return text.size() <= 64 && std::count(text.begin(), text.end(), '-') >= 1 && text.front() != '-' && text.back() != '-' &&
           all_of(text, [](char c) { return is_word_char(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_sha256(std::string_view text) noexcept {
    return text.size() == 64 && all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_library_path(std::string_view text) noexcept { return !escapes(text); }

bool is_activation(std::string_view text) noexcept {
    return text == "startup" || (text.starts_with("port:") && is_port(text.substr(5)));
}

template <CapabilityKind kind>
bool is_right(std::string_view text) noexcept {
    return static_cast<bool>(Right::parse(kind, text)); // rights.hpp has the grammar
}

Result<AbiVersion> read_abi(std::string_view text) {
    const auto dot = text.find('.');
    const auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
        if (digits.empty() || digits.size() > 5 || !all_of(digits, is_digit)) return std::nullopt;
        if (digits.size() > 1 && digits[0] == '0') return std::nullopt;
        std::uint32_t value = 0;
        for (const char c : digits) value = value * 10 + static_cast<std::uint32_t>(c - '0');
        return value;
    };
    const auto major = number(text.substr(0, dot));
    const auto minor = dot == std::string_view::npos ? std::nullopt : number(text.substr(dot + 1));
    if (!major || !minor || *major == 0) {
        return Error(Code::invalid_argument, "bad-abi-version",
                     "expected major.required-minor such as \"1.0\", found " + shown(text));
    }
    return AbiVersion{*major, *minor};
}

constexpr std::string_view extension_types[] = {"instrument", "operator", "conductor", "control",        "transport",
                                                "bus",        "codec",    "editor-adapter", "pit",       "search",
                                                "package",    "kit",      "tool",      "motif",          "melody"};
constexpr std::string_view placements[] = {"any", "in-process", "isolated"};
constexpr std::string_view threads[] = {"serial", "concurrent", "blocking", "concurrent-blocking"};
constexpr std::string_view reloads[] = {"pinned", "verified"};
constexpr std::string_view cardinalities[] = {"one", "many"};
constexpr std::string_view capability_kinds[] = {"model_access", "network_access", "file_access",
                                                 "process_exec", "system_access",  "ipc_access"};
constexpr std::string_view config_types[] = {"string", "integer", "float", "boolean", "duration", "size", "list", "map"};
constexpr std::string_view grades[] = {"", "G1", "G2", "G3", "G4"};
constexpr std::string_view additions[] = {"", "show", "doctor"};
constexpr std::string_view selections[] = {"", "read", "write", "read-write"}; // nothing has no name: it is left out

} // namespace

bool escapes(std::string_view path) noexcept {
    if (path.empty() || path.size() > 1024 || path.front() == '/' || path.back() == '/') return true;
    if (path.find('\\') != std::string_view::npos || path.find('\0') != std::string_view::npos) return true;
    // "C:library.dll" is absolute where drives have letters.
    if (path.size() > 1 && path[1] == ':') return true;
    for (std::size_t start = 0; start <= path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        const auto part = path.substr(start, end - start);
        if (part.empty() || part == "." || part == "..") return true;
        start = end + 1;
    }
    return false;
}

namespace rule {
const TextRule any{"text", "", nullptr};
const TextRule extra{"a key", "", nullptr};
const TextRule id{"an id such as \"org.symphony.text\" (lower-case letters, digits, dots, dashes; at most 100)",
                  "^[a-z0-9][a-z0-9.-]{0,99}$", is_id, "bad-id"};
const TextRule name{"a name such as \"word-count\" (lower-case words parted by dashes; at most 64)",
                    "^(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*$", is_kebab, "bad-name"};
const TextRule port{"a port such as \"operator/1\"", "^[a-z][a-z0-9.-]*/[1-9][0-9]{0,5}$", is_port, "bad-port"};
const TextRule word{"a name such as \"page_count\" (lower-case letters, digits, _ and -, first a letter; at most 64)",
                    "^[a-z][a-z0-9_-]{0,63}$", is_word, "bad-name"};
const TextRule command{"one to three lower-case words such as \"run\" or \"runs list\"",
                       "^[a-z][a-z0-9]*(-[a-z0-9]+)*( [a-z][a-z0-9]*(-[a-z0-9]+)*){0,2}$", is_command, "bad-name"};
const TextRule flag{"a flag's name without dashes in front, such as \"dry-run\"", "^(?=.{2,64}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$",
                    is_flag, "bad-name"};
const TextRule short_flag{"one letter or digit", "^[A-Za-z0-9]$", is_short_flag, "bad-name"};
const TextRule web_address{"an address such as \"https://example.org/\"", "^https?://[^ \"<>]+$", is_web_address};
const TextRule triple{"a platform such as \"x86_64-linux-gnu\"", "^[a-z0-9_.]+(-[a-z0-9_.]+)+$", is_triple};
const TextRule sha256{"64 lower-case hexadecimal digits", "^[0-9a-f]{64}$", is_sha256, "bad-digest"};
const TextRule library_path{"a path inside the plugin's folder such as \"libtext.so\" (relative, no \"..\", no \"\\\")",
                            "^(?!/)(?!.*(^|/)\\.{0,2}(/|$))[^\\\\]+$", is_library_path, "path-escape"};
const TextRule activation{"\"startup\" or \"port:\" and a port such as \"port:operator/1\"",
                          "^(startup|port:[a-z][a-z0-9.-]*/[1-9][0-9]{0,5})$", is_activation, "bad-activation"};
const TextRule model{"a model's name such as \"gpt-4\", perhaps with stars", "", is_right<CapabilityKind::model_access>, "bad-capability"};
const TextRule network{"a host or host:port such as \"api.example.com:443\" or \"*.example.com:8000-8100\" (no https://, no path)",
                       "^(\\*|(\\*\\.)?[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:(\\*|[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?))?$",
                       is_right<CapabilityKind::network_access>, "bad-capability"};
const TextRule file{"read: or write: and a root such as \"read:workspace\", perhaps with a path \"read:workspace/docs/**\"",
                    "^(read|write):[a-z][a-z0-9_-]*(/.+)?$", is_right<CapabilityKind::file_access>, "bad-capability"};
const TextRule program{"a program's name or whole path such as \"git\"", "", is_right<CapabilityKind::process_exec>, "bad-capability"};
const TextRule system_right{"the name of a right such as \"clock\"", "", is_right<CapabilityKind::system_access>, "bad-capability"};
const TextRule channel{"a channel's name or pattern such as \"bus:progress.*\"", "", is_right<CapabilityKind::ipc_access>, "bad-capability"};
} // namespace rule

const TextRule& rule_of(CapabilityKind kind) noexcept {
    switch (kind) {
    case CapabilityKind::model_access: return rule::model;
    case CapabilityKind::network_access: return rule::network;
    case CapabilityKind::file_access: return rule::file;
    case CapabilityKind::process_exec: return rule::program;
    case CapabilityKind::system_access: return rule::system_right;
    case CapabilityKind::ipc_access: return rule::channel;
    }
    return rule::any;
}

namespace codec {
const Codec<Version> version{"a version such as \"1.0.0\"", "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)([-+].+)?$",
                             Version::parse, [](const Version& value) { return value.text(); }};
const Codec<Range> range{"a version range such as \"^1.2\"", "", Range::parse, [](const Range& value) { return value.text(); }};
const Codec<Type> type{"a type such as \"text\" or \"list<integer>?\"",
                       "^((list|map)<)*(any|boolean|integer|number|text|bytes|list|map)>*\\??$", Type::parse,
                       [](const Type& value) { return value.text(); }};
const Codec<AbiVersion> abi{"major.required-minor such as \"1.0\"", "^[1-9][0-9]{0,4}\\.(0|[1-9][0-9]{0,4})$", read_abi,
                            [](const AbiVersion& value) {
                                return std::to_string(value.major) + "." + std::to_string(value.minor);
                            }};
const Codec<std::uint64_t> size{"a size such as \"512MiB\"", "^[0-9]+(\\.[0-9]+)?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$", parse_size,
                                [](const std::uint64_t& value) { return size_text(value); }};
const Codec<std::uint64_t> duration{"a duration such as \"5s\"", "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$", parse_duration,
                                    [](const std::uint64_t& value) { return duration_text(value); }};
const Codec<std::uint32_t> percent{"a share of one core such as \"50%\"", "^[0-9]+%$", parse_percent,
                                   [](const std::uint32_t& value) { return std::to_string(value) + "%"; }};
} // namespace codec

template <> std::span<const std::string_view> names_of<ExtensionType>() noexcept { return extension_types; }
template <> std::span<const std::string_view> names_of<Placement>() noexcept { return placements; }
template <> std::span<const std::string_view> names_of<Threads>() noexcept { return threads; }
template <> std::span<const std::string_view> names_of<Reload>() noexcept { return reloads; }
template <> std::span<const std::string_view> names_of<Cardinality>() noexcept { return cardinalities; }
template <> std::span<const std::string_view> names_of<CapabilityKind>() noexcept { return capability_kinds; }
template <> std::span<const std::string_view> names_of<ConfigType>() noexcept { return config_types; }
template <> std::span<const std::string_view> names_of<MinimumGrade>() noexcept { return grades; }
template <> std::span<const std::string_view> names_of<AddsTo>() noexcept { return additions; }
template <> std::span<const std::string_view> names_of<Selects>() noexcept { return selections; }

namespace {
template <class E>
std::string_view enum_name(E value) noexcept {
    const auto names = names_of<E>();
    const auto at = static_cast<std::size_t>(value);
    return at < names.size() ? names[at] : std::string_view("unknown");
}
} // namespace

std::string_view name_of(ExtensionType type) noexcept { return enum_name(type); }
std::string_view name_of(Placement placement) noexcept { return enum_name(placement); }
std::string_view name_of(Threads value) noexcept { return enum_name(value); }
std::string_view name_of(Reload reload) noexcept { return enum_name(reload); }
std::string_view name_of(Cardinality cardinality) noexcept { return enum_name(cardinality); }
std::string_view name_of(CapabilityKind kind) noexcept { return enum_name(kind); }
std::string_view name_of(ConfigType type) noexcept { return enum_name(type); }
std::string_view name_of(AddsTo to) noexcept { return enum_name(to); }
std::string_view name_of(Selects selects) noexcept { return enum_name(selects); }
std::string_view name_of(MinimumGrade grade) noexcept { return enum_name(grade); }

} // namespace symphony::manifests
