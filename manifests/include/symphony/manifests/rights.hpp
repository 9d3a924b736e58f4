// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::manifests {

/// In canonical order.
enum class RightKind : std::uint8_t { file, network, model, system, process, ipc };
enum class FileAccess : std::uint8_t { read, write };

/// "file", "network", "model", "system", "process" or "ipc".
std::string_view name_of(RightKind kind) noexcept;
RightKind kind_of(CapabilityKind kind) noexcept;

constexpr std::size_t right_bytes_max = 1024;

/// A set of objects that a plugin may reach; a single object is the set of one. Immutable, and equal when the canonical
/// text is equal. Canonical texts, all of which parse() reads:
///   read:workspace                 everything beneath a root; so does `read:workspace/**`
///   write:workspace/docs           that path alone, nothing beneath
///   write:workspace/docs/**        the folder and everything beneath
///   read:workspace/**/*.md         `*` within a name, `**` any number of folders, `[*]` a star itself
///   network:api.example.com:443    no port: every port; `:8000-8100` a range; `*.example.com`: one or more labels in front
///   network:[2001:db8::1]:443      addresses in their one short form; an IPv4 address in IPv6 clothes is the IPv4 address
///   model:gpt-4                    `*` stands for any characters in model, system and process
///   system:clock                   process:git                  ipc:bus:progress.*   (`*` one part, `#` the rest)
class Right {
public:
    Right() = default; ///< nothing: covers nothing and is covered by nothing
    /// Reads a canonical text, `net:` and `file:read:...` too. Trims nothing.
    /// @return `invalid_argument` with reason "bad-right" and a sentence that says what is wrong with it.
    static Result<Right> parse(std::string_view text);
    /// Reads a value of the manifest: "read:config", "api.example.com:443", "gpt-4", "bus:progress.*".
    static Result<Right> parse(CapabilityKind kind, std::string_view value);

    /// One path as the plugin names it, beneath a root: no character in it is a wildcard. Empty: the root itself.
    /// "." parts and doubled slashes fall away; "..", NUL and control characters are refused.
    static Result<Right> file(FileAccess access, std::string_view root, std::string_view path);
    /// One host and port. The host is a name or an address without brackets, in any case, with one dot behind it or none.
    static Result<Right> network(std::string_view host, std::uint16_t port);
    /// One model, system right, program or channel by its exact name: a star in it stands for itself.
    static Result<Right> named(RightKind kind, std::string_view name);

    RightKind kind() const noexcept { return kind_; }
    /// The canonical text.
    const std::string& text() const noexcept { return text_; }
    FileAccess access() const noexcept { return access_; } ///< of files
    std::string_view root() const noexcept;               ///< of files: "workspace"; else empty
    /// Of networks: a canonical name or address without brackets, "*.example.com" or "*"; else empty.
    std::string_view host() const noexcept { return kind_ == RightKind::network ? std::string_view(host_) : std::string_view(); }
    bool host_is_address() const noexcept { return host_form_ == Host::v4 || host_form_ == Host::v6; }
    std::uint16_t port_min() const noexcept { return port_min_; }
    std::uint16_t port_max() const noexcept { return port_max_; }

    /// Whether every object of `other` is one of this.
    bool covers(const Right& other) const;
    /// Whether they have an object in common.
    bool overlaps(const Right& other) const;
    /// Whether it is one object and no pattern. Of files: one path, which may name a folder.
    bool is_single() const noexcept;
    /// Networks that are the machine itself or its neighbours, as far as the text tells: addresses of private, loopback,
    /// link-local and unique-local ranges, and names such as localhost, *.local, *.internal.
    bool is_private_network() const noexcept;

    friend bool operator==(const Right& a, const Right& b) noexcept { return a.text_ == b.text_; }
    friend auto operator<=>(const Right& a, const Right& b) noexcept {
        if (a.kind_ != b.kind_) return a.kind_ <=> b.kind_;
        return a.text_.compare(b.text_) <=> 0;
    }

private:
    friend class RightSet;
    friend struct RightReader;
    enum class Host : std::uint8_t { none, any, suffix, name, v4, v6 };
    void write_text();
    bool same_objects(const Right& other) const noexcept; ///< of one kind, access and root
    bool host_covers(const Right& other) const noexcept;

    RightKind kind_ = RightKind::file;
    FileAccess access_ = FileAccess::read;
    Host host_form_ = Host::none;
    std::uint16_t port_min_ = 1, port_max_ = 65535;
    std::string root_;                ///< of files, and the word before the colon of channels
    std::string host_;
    std::vector<std::string> parts_;  ///< patterns of names: see rights.cpp
    std::string text_;
};

/// What an update changes. Empty when the sets are equal.
struct RightsDiff {
    std::vector<Right> added;
    std::vector<std::pair<Right, Right>> broadened; ///< from, to
    std::vector<std::pair<Right, Right>> narrowed;  ///< from, to
    std::vector<Right> removed;
    bool widens() const noexcept { return !added.empty() || !broadened.empty(); }
    bool empty() const noexcept { return added.empty() && broadened.empty() && narrowed.empty() && removed.empty(); }
};

/// What a manifest asks for, in its order: `[capabilities]`, and for who has `[requires]` the right to call what provides that,
/// `ipc:plugin:#`, unless `ipc_access` names the plugins that it calls. The latter's key is "requires", and it is optional when
/// all that is required is.
struct Asked {
    Right right;
    const Capability* written = nullptr; ///< null: it follows from `[requires]`
    bool optional = false;
    Place place;
};
std::vector<Asked> asked_of(const Manifest& manifest);
/// `ipc:plugin:ID`, to call the plugin with this id; of what is no id, the right that nothing covers.
Right right_to_call(std::string_view plugin);
/// Whether it is such a right, or a pattern of them.
bool is_call(const Right& right) noexcept;

/// A set of rights in canonical form: sorted, none of which another one covers, neighbouring ports joined.
class RightSet {
public:
    RightSet() = default;
    explicit RightSet(std::vector<Right> rights);
    /// What a manifest asks for, its optional rights too if `with_optional`. Rights that cannot be read, which a parsed
    /// manifest does not have, are left out.
    static RightSet requested(const Manifest& manifest, bool with_optional = true);
    /// Reads what text() made. @return `invalid_argument`.
    static Result<RightSet> parse(std::string_view text);

    const std::vector<Right>& rights() const noexcept { return rights_; }
    bool empty() const noexcept { return rights_.empty(); }
    /// Whether every object of `right` is in the union.
    bool covers(const Right& right) const;
    bool covers(const RightSet& other) const;
    /// One canonical text a line: the bytes that a digest is of.
    std::string text() const;

    friend bool operator==(const RightSet&, const RightSet&) = default;

private:
    std::vector<Right> rights_;
};

/// What changes from one set to another; pairs and lists are in canonical order.
RightsDiff diff(const RightSet& from, const RightSet& to);

enum class Risk : std::uint8_t { low, medium, high };
std::string_view name_of(Risk risk) noexcept;
/// How much harm a plugin could do with it: writing outside its own folders, any program and any host are high.
Risk risk_of(const Right& right) noexcept;
/// In plain words, to follow "may": "read files of the project folder", "connect to api.example.com, port 443".
std::string in_words(const Right& right);

} // namespace symphony::manifests
